import { app } from "@azure/functions";
import { sweep } from "../engine/sweep.ts";
import type { OpenEngine } from "./http-function.ts";

/** The timer that looks every 30 s for what is due, lost, expired or still to be told. */
export function registerSweep(openEngine: OpenEngine): void {
  app.timer("sweep", {
    schedule: "*/30 * * * * *",
    handler: async () => {
      await sweep(await openEngine());
    },
  });
}
