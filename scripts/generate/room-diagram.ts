import type { Room } from '../../shared/testing/layers.ts';

/** Rooms that import every other one: left out of the diagram. */
const everywhere = ['shared/testing/', 'scripts/'];

/**
 * The rooms as a Mermaid flowchart: an arrow points from a room to a room that it may import. An arrow is left out where a longer way
 * leads to the same room.
 */
export function roomDiagram(rooms: readonly Room[]): string {
  const shown = rooms.filter(({ room }) => !everywhere.includes(room));
  const direct = new Map(
    shown.map(({ room, rooms: allowed }) => [
      room,
      shown.map((each) => each.room).filter((each) => each !== room && allowed.some((path) => path.startsWith(each))),
    ]),
  );
  const reaches = (from: string, to: string): boolean =>
    direct.get(from)!.some((next) => next === to || reaches(next, to));
  const arrows = [...direct].flatMap(([from, targets]) =>
    targets
      .filter((to) => !targets.some((other) => other !== to && reaches(other, to)))
      .map((to) => `  ${idOf(from)} --> ${idOf(to)}`),
  );
  const boxes = shown.map(({ room }) => `  ${idOf(room)}["${room}"]`);
  return ['```mermaid', 'flowchart TD', ...boxes.toReversed(), ...arrows, '```'].join('\n');
}

const idOf = (room: string): string => room.replace(/[^a-z]/g, '_');
