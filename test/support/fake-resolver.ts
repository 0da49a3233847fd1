// The resolver of the tests: the one that transcripts have.

export {
  type ZoneRecords as FakeRecords,
  type ZoneResolver as FakeResolver,
  zoneResolver as fakeResolver,
} from '../../src/cli/transcript/zone-resolver.ts';
