import { StoreUnreachable, type Table } from "../../src/store/table.ts";
import type { Task } from "./scheduler.ts";

/**
 * A table as one task of a schedule sees it. Every call has a point before it, where a frozen task's write lands
 * late, and one after it, where a crash leaves what was written. Beside crash and freeze, which the task does:
 * - `lose` before the call: it never arrived; after it: it happened, the answer did not. Both: `StoreUnreachable`.
 * - `repeat` after the call: the client lost the answer and asks again, with both points again; what the second
 *   one says is what the caller gets, so a success is often told as a `RowConflict`.
 */
export function createScheduledTable(inner: Table, task: Pick<Task, "at">): Table {
  async function call<T>(name: string, once: () => Promise<T>): Promise<T> {
    if ((await task.at(`before ${name}`)) === "lose") {
      throw new StoreUnreachable(`${name}: the request was lost`);
    }
    const [outcome] = await Promise.allSettled([once()]);
    const fate = await task.at(`after ${name}`);
    if (fate === "lose") {
      throw new StoreUnreachable(`${name}: the answer was lost`);
    }
    if (fate === "repeat") {
      return call(name, once);
    }
    if (outcome.status === "rejected") {
      throw outcome.reason;
    }
    return outcome.value;
  }

  return {
    get: (partition, key) => call(`get ${key}`, () => inner.get(partition, key)),
    range: (partition, range, limit) =>
      call(`range ${range.from}`, () => inner.range(partition, range, limit)),
    transact: (partition, operations) => {
      const names = operations.map((operation) => `${operation.do} ${operation.key}`).join(", ");
      return call(`transact ${names}`, () => inner.transact(partition, operations));
    },
    prepare: () => call("prepare", () => inner.prepare()),
  };
}
