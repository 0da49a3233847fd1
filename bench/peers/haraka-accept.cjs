// Haraka plugin of the bench: every recipient is fine. The constant OK is a global that Haraka provides.

/* global OK */
exports.hook_rcpt = (next) => next(OK);
