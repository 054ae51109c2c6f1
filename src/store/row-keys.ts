import { createHash } from "node:crypto";
import type { Randomness } from "../model/clock.ts";
import { type Target, targetKey } from "../model/target.ts";
import type { Range } from "./table.ts";

/** The sixteen shards, fixed for ever: the first hex digit of the target's hash. */
export const SHARDS: readonly string[] = [..."0123456789abcdef"];

/** Partitions beside the shards. */
export const CONTROL = "control";
/** Undecodable events wait here with their bytes. */
export const PARKED = "parked";
/** What was used of each budget, and how many pods are held. */
export const BUDGET = "budget";

const LATEST = 9_999_999_999_999;

/**
 * Hash of the target's canonical key: 32 hex digits, the first is the shard. `aside`: of the row beside it, for what
 * changes nothing (evidence), so that slow logs never hold up a containment.
 */
export function targetHash(target: Target, aside = false): string {
  return digest(aside ? `aside|${targetKey(target)}` : targetKey(target));
}

/** Hash of a signal's identity: 32 hex digits. */
export function signalHash(identity: string): string {
  return digest(identity);
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** The shard of a target hash or of a remediation id: both begin with it. */
export function shardOf(hashOrId: string): string {
  return hashOrId.slice(0, 1);
}

/** A new id: shard, inverted time (newest first), suffix; so an id is one point read. 22 characters of `[0-9a-f]`. */
export function newRemediationId(hash: string, now: Date, randomness: Randomness): string {
  return `${shardOf(hash)}${invertedTime(now)}${randomness.hex(8)}`;
}

function invertedTime(at: Date): string {
  return String(LATEST - at.getTime()).padStart(13, "0");
}

/** Is this text an id of ours? Everything else never reaches the table. */
export function isRemediationId(text: string): boolean {
  return /^[0-9a-f]\d{13}[0-9a-f]{8}$/.test(text);
}

/** Row key of a target row, the one lock. */
export function targetRowKey(hash: string): string {
  return `t!${hash}`;
}

/** Row key of "this signal has been decided for this playbook". */
export function signalRowKey(hash: string, playbook: string, signal: string): string {
  return `s!${hash}!${playbook}!${signal}`;
}

/** All signal rows of one target. */
export function signalRowsOf(hash: string): Range {
  return within(`s!${hash}!`);
}

/** Row key of a record. */
export function recordRowKey(id: string): string {
  return `r!${id}`;
}

/** Records of a shard created in `[from, to)`, newest first. Absent bounds are open. */
export function recordRows(
  shard: string,
  created: { from?: Date | undefined; to?: Date | undefined } = {},
): Range {
  // Times are inverted: what was created before `to` sorts after it.
  const from = created.to ? `r!${shard}${String(LATEST - created.to.getTime() + 1).padStart(13, "0")}` : "r!";
  const to = created.from
    ? `r!${shard}${String(LATEST - created.from.getTime() + 1).padStart(13, "0")}`
    : "r!~";
  return { from, to };
}

/** Row key of plan `number` of a record. */
export function planRowKey(id: string, number: number): string {
  return `p!${id}!${String(number).padStart(4, "0")}`;
}

/** Row key of audit row `sequence` of a record. */
export function auditRowKey(id: string, sequence: number): string {
  return `a!${id}!${String(sequence).padStart(6, "0")}`;
}

/** Row key of the tombstone of a record: its history is kept, all else of it has been removed by age. */
export function tombstoneRowKey(id: string): string {
  return `x!${id}`;
}

/** When the remediation of an id was begun. */
export function createdAtOf(id: string): Date {
  return new Date(LATEST - Number(id.slice(1, 14)));
}

/** All rows of one kind (`p`, `a`) of one record. */
export function rowsOf(kind: "p" | "a", id: string): Range {
  return within(`${kind}!${id}!`);
}

/** Row key of a due row; the sequence keeps "moved" from naming one row twice. */
export function dueRowKey(at: Date, id: string, sequence: number): string {
  return `d!${at.toISOString()}!${id}!${String(sequence).padStart(6, "0")}`;
}

/** Due rows up to and including `now`; without it all of them. */
export function dueRows(now?: Date): Range {
  return { from: "d!", to: now ? `d!${now.toISOString()}!~` : "d!~" };
}

function within(prefix: string): Range {
  return { from: prefix, to: `${prefix}~` };
}
