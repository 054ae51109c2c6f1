import { Retryable } from "../../model/errors.ts";
import type { ApiCall } from "./api-call.ts";
import { type Connection, connectionOf } from "./connection.ts";
import { noWay } from "./no-way.ts";

/** One of the ways to a cluster, by the name that is told of it. */
export interface Way {
  readonly name: string;
  readonly connection: Connection;
}

/**
 * A connection by the first of the ways that leads to the cluster. The next is tried only where one says that nobody is
 * there, or that it is not for this cluster; never where the app was turned away, throttled or refused, and never for a
 * change that may have left. `used` hears the name of the way that answered, when it is another than before.
 */
export function firstWay(ways: readonly Way[], used: (way: string) => void): Connection {
  let last: string | null = null;
  const answered = (way: string): void => {
    if (way !== last) used(way);
    last = way;
  };
  return connectionOf(async (call, send) => {
    const failures: unknown[] = [];
    for (const { name, connection } of ways) {
      try {
        const done = await connection.call(call, send);
        answered(name);
        return done;
      } catch (error) {
        if (noWay(error) === null) answered(name);
        if (!leavesNext(error, call)) throw error;
        failures.push(error);
      }
    }
    // One that may lead there in a moment says more than one that never does.
    throw failures.find((error) => error instanceof Retryable) ?? failures[0];
  });
}

function leavesNext(error: unknown, { verb }: ApiCall): boolean {
  const mark = noWay(error);
  return mark !== null && (verb === "get" || verb === "list" || !mark.mayHaveLeft);
}
