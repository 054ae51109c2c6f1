import { z } from "zod";
import type { StateFolder } from "./state-folder.ts";

const FILE = "samples-sent.json";

/**
 * When each sample was first sent from this folder, now for one that never was: sent again with the same times, the
 * samples are the same events again, and known.
 */
export function firstTimes(folder: StateFolder): (sample: string) => Date {
  const kept = folder.read(FILE);
  const times = new Map(z.array(z.tuple([z.string(), z.iso.datetime()])).parse(JSON.parse(kept ?? "[]")));
  return (sample) => {
    const before = times.get(sample);
    if (before !== undefined) return new Date(before);
    const now = new Date();
    times.set(sample, now.toISOString());
    folder.write(FILE, JSON.stringify([...times]));
    return now;
  };
}
