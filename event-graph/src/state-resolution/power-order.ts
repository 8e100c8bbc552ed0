// Power events and their reverse topological power ordering (room version 2, "Definitions").
import type { EventId } from '@carillon/protocol/identifiers.ts';
import { userPower } from '../power-levels.ts';
import type { RoomEvent } from '../room-event.ts';
import { citedEvent, citedPowerLevels, compareEventIds, type ResolutionEvents } from './resolution-events.ts';

/** True for events that can take an ability from somebody. Like Synapse, this counts the create event in. */
export function isPowerEvent({ type, stateKey, sender, content }: RoomEvent): boolean {
  switch (type) {
    case 'm.room.power_levels':
    case 'm.room.join_rules':
    case 'm.room.create':
      return stateKey === '';
    case 'm.room.member': {
      const { membership } = content;
      return (membership === 'leave' || membership === 'ban') && stateKey !== undefined && sender !== stateKey;
    }
    default:
      return false;
  }
}

/** The power events of the full conflicted set, and what leads to them inside it, earliest first. */
export function powerOrder(events: ResolutionEvents, fullConflicted: ReadonlyMap<EventId, RoomEvent>): RoomEvent[] {
  return orderByPower(events, withChains(fullConflicted));
}

// The walk goes only through members of the full conflicted set, as in Synapse.
function withChains(fullConflicted: ReadonlyMap<EventId, RoomEvent>): Map<EventId, RoomEvent> {
  const picked = new Map<EventId, RoomEvent>();
  const pending = [...fullConflicted.values()].filter(isPowerEvent);
  for (let event = pending.pop(); event !== undefined; event = pending.pop()) {
    if (picked.has(event.eventId)) continue;
    picked.set(event.eventId, event);
    for (const eventId of event.authEvents) {
      const cited = fullConflicted.get(eventId);
      if (cited !== undefined) pending.push(cited);
    }
  }
  return picked;
}

interface Candidate {
  readonly event: RoomEvent;
  readonly power: number;
  /** How many auth events of this one are still to be placed. */
  waitsFor: number;
  readonly allows: Candidate[];
}

// Kahn's algorithm from the earliest on, always taking the smallest of those that wait for nothing.
function orderByPower(events: ResolutionEvents, picked: ReadonlyMap<EventId, RoomEvent>): RoomEvent[] {
  const candidates = new Map<EventId, Candidate>();
  for (const event of picked.values()) {
    candidates.set(event.eventId, { event, power: senderPower(events, event), waitsFor: 0, allows: [] });
  }
  for (const candidate of candidates.values()) {
    for (const eventId of new Set(candidate.event.authEvents)) {
      const before = candidates.get(eventId);
      if (before === undefined) continue;
      before.allows.push(candidate);
      candidate.waitsFor++;
    }
  }
  const ready: Candidate[] = [];
  for (const candidate of candidates.values()) if (candidate.waitsFor === 0) pushReady(ready, candidate);
  const ordered: RoomEvent[] = [];
  for (let next = popReady(ready); next !== undefined; next = popReady(ready)) {
    ordered.push(next.event);
    for (const after of next.allows) if (--after.waitsFor === 0) pushReady(ready, after);
  }
  return ordered;
}

function senderPower(events: ResolutionEvents, event: RoomEvent): number {
  const create = citedEvent(events, event, 'm.room.create', '');
  const powerLevels = citedPowerLevels(events, event);
  return userPower({ roomVersion: events.roomVersion, create, powerLevels }, event.sender);
}

function isBefore(left: Candidate, right: Candidate): boolean {
  if (left.power !== right.power) return left.power > right.power;
  if (left.event.originServerTs !== right.event.originServerTs) {
    return left.event.originServerTs < right.event.originServerTs;
  }
  return compareEventIds(left.event.eventId, right.event.eventId) < 0;
}

// A binary heap: the smallest candidate is first.
function pushReady(heap: Candidate[], candidate: Candidate): void {
  let place = heap.length;
  heap.push(candidate);
  while (place > 0) {
    const parentPlace = (place - 1) >> 1;
    const parent = heap[parentPlace] as Candidate;
    if (!isBefore(candidate, parent)) break;
    heap[place] = parent;
    place = parentPlace;
  }
  heap[place] = candidate;
}

function popReady(heap: Candidate[]): Candidate | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return first;
  let place = 0;
  for (;;) {
    const left = heap[2 * place + 1];
    const right = heap[2 * place + 2];
    const child = right !== undefined && left !== undefined && isBefore(right, left) ? right : left;
    if (child === undefined || !isBefore(child, last)) break;
    const childPlace = child === left ? 2 * place + 1 : 2 * place + 2;
    heap[place] = child;
    place = childPlace;
  }
  heap[place] = last;
  return first;
}
