// Colours only where somebody can see them. Imported before anything that decides on colours when it is loaded;
// NO_COLOR counts with any value (no-color.org).

const { env, stdout } = process;
if (!stdout.isTTY || (env['NO_COLOR'] ?? '') !== '') env['NO_COLOR'] = '1';
