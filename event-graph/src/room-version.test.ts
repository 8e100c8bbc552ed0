import { describe, expect, test } from 'vitest';
import { findRoomVersion, type RoomVersion, roomVersions } from './room-version.ts';

describe('room versions', () => {
  test('are 1 to 12, frozen', () => {
    expect([...roomVersions.keys()]).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12']);
    for (const version of roomVersions.values()) expect(Object.isFrozen(version)).toBe(true);
  });

  test('others are not found', () => {
    for (const id of ['0', '13', '', 1, null, undefined, '__proto__', 'org.example.custom']) {
      expect(findRoomVersion(id)).toBeUndefined();
    }
  });

  test('each changes just what its document says', () => {
    const versions = [...roomVersions.values()];
    const changes = versions.slice(1).map((version, index) => changed(versions[index]!, version));
    expect(changes).toEqual([
      ['stateResolution'],
      ['eventIdFormat', 'referencesAreHashPairs', 'eventIdServerSigns', 'redactionAuthRule'],
      ['eventIdFormat'],
      ['enforceKeyValidity'],
      ['strictCanonicalJson', 'maxDepth', 'aliasesAuthRule', 'notificationsPowerChecked', 'redaction'],
      ['knock'],
      ['restricted', 'redaction'],
      ['redaction'],
      ['knockRestricted', 'integerPowerLevels'],
      ['redactsInContent', 'implicitCreator', 'redaction'],
      ['stateResolution', 'privilegedCreators', 'roomIdAsHash', 'createNotCited'],
    ]);
  });
});

function changed(before: RoomVersion, after: RoomVersion): string[] {
  const keys = Object.keys(before) as (keyof RoomVersion)[];
  return keys.filter((key) => key !== 'id' && before[key] !== after[key]);
}
