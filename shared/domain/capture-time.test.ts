import { describe, expect, it } from 'vitest';
import { captureTimeOf, isTimeZone, offsetBetween, wallTimeIn } from './capture-time.ts';

const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString());

describe('wallTimeIn', () => {
  it.each([
    ['Europe/Berlin', '2024-01-10T12:00:00.000Z', '2024-01-10T11:00:00.000Z'],
    ['Europe/Berlin', '2024-07-10T12:00:00.000Z', '2024-07-10T10:00:00.000Z'],
    ['America/New_York', '2024-03-10T01:30:00.000Z', '2024-03-10T06:30:00.000Z'],
    ['America/New_York', '2024-03-10T03:30:00.000Z', '2024-03-10T07:30:00.000Z'],
    ['Asia/Kathmandu', '2024-07-10T00:00:00.000Z', '2024-07-09T18:15:00.000Z'],
    ['Pacific/Kiritimati', '2024-01-01T00:00:00.000Z', '2023-12-31T10:00:00.000Z'],
    ['UTC', '2024-01-01T00:00:00.123Z', '2024-01-01T00:00:00.123Z'],
  ])('When clocks in %s show %s, then it is %s', (zone, wall, moment) => {
    expect(iso(wallTimeIn(zone, Date.parse(wall)))).toBe(moment);
  });
});

describe('captureTimeOf', () => {
  const assumed = { capturedAt: '2024-07-10T12:00:00.000Z', capturedAtZone: 'assumed' } as const;

  it.each([
    ['the request has a time', 0, assumed, 'Europe/Berlin', '1970-01-01T00:00:00.000Z', 'request'],
    [
      'the photo has an offset',
      null,
      { ...assumed, capturedAtZone: 'offset' },
      'Europe/Berlin',
      assumed.capturedAt,
      'offset',
    ],
    ['the tenant has a time zone', null, assumed, 'Europe/Berlin', '2024-07-10T10:00:00.000Z', 'tenant'],
    ['nothing gives a zone', null, assumed, null, assumed.capturedAt, 'assumed'],
    ['there is no time', null, { capturedAt: null, capturedAtZone: null }, 'Europe/Berlin', null, null],
  ] as const)('When %s, then time and zone come from there', (_, sent, photo, timeZone, at, zone) => {
    const captured = captureTimeOf(sent, photo, timeZone);

    expect([iso(captured.at), captured.zone]).toEqual([at, zone]);
  });
});

describe('offsetBetween', () => {
  it.each([
    ['2024-01-01T02:00:40Z', 120],
    ['2023-12-31T20:30:00Z', -210],
    ['2024-01-01T02:07:00Z', null],
    ['2024-01-01T15:00:00Z', null],
    ['2024-01-01T00:00:01Z', 0],
  ])('When the wall clock shows %s at midnight UTC, then the offset is %s minutes', (wall, minutes) => {
    expect(offsetBetween(Date.parse(wall), Date.parse('2024-01-01T00:00:00Z'))).toBe(minutes);
  });
});

describe('isTimeZone', () => {
  it.each([
    ['Europe/Berlin', true],
    ['UTC', true],
    ['Mars/Olympus', false],
    ['+02:00', false],
    ['', false],
  ])('When the name is %j, then the result is %s', (name, expected) => {
    expect(isTimeZone(name)).toBe(expected);
  });
});
