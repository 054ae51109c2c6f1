import { app } from "@azure/functions";
import { slowSweep } from "../engine/slow-sweep.ts";
import type { OpenEngine } from "./http-function.ts";

/** The timer for clusters that are reached by run command: beside the other, which would wait for them. */
export function registerSlowSweep(openEngine: OpenEngine): void {
  app.timer("slow-sweep", {
    schedule: "*/30 * * * * *",
    handler: async () => {
      await slowSweep(await openEngine());
    },
  });
}
