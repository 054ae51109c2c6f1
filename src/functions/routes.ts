import type { Role } from "../model/caller.ts";

/** One way into the app over HTTP, and the role that it wants; null: nobody is asked who he is. */
export interface Route {
  readonly method: "GET" | "POST";
  readonly route: string;
  readonly role: Role | null;
}

/** Every HTTP function of the app. What is not here cannot be registered; GET changes nothing. */
export const ROUTES = {
  health: { method: "GET", route: "health", role: null },
  list: { method: "GET", route: "remediations", role: "Reflex.Read" },
  show: { method: "GET", route: "remediations/{id}", role: "Reflex.Read" },
  run: { method: "POST", route: "playbooks/{name}/runs", role: "Reflex.Run" },
  approve: { method: "POST", route: "remediations/{id}/approve", role: "Reflex.Approve" },
  reject: { method: "POST", route: "remediations/{id}/reject", role: "Reflex.Approve" },
  revert: { method: "POST", route: "remediations/{id}/revert", role: "Reflex.Run" },
  extend: { method: "POST", route: "remediations/{id}/extend", role: "Reflex.Run" },
  retry: { method: "POST", route: "remediations/{id}/retry", role: "Reflex.Run" },
  pauses: { method: "GET", route: "pauses", role: "Reflex.Read" },
  pause: { method: "POST", route: "pauses", role: "Reflex.Run" },
  resume: { method: "POST", route: "pauses/resume", role: "Reflex.Admin" },
  report: { method: "GET", route: "rules/{name}/report", role: "Reflex.Read" },
  "parked-list": { method: "GET", route: "parked", role: "Reflex.Read" },
  "parked-show": { method: "GET", route: "parked/{id}", role: "Reflex.Admin" },
  "parked-replay": { method: "POST", route: "parked/{id}/replay", role: "Reflex.Admin" },
  "parked-drop": { method: "POST", route: "parked/{id}/drop", role: "Reflex.Admin" },
  "audit-verify": { method: "GET", route: "audit/verify", role: "Reflex.Read" },
  "audit-export": { method: "GET", route: "audit/export", role: "Reflex.Admin" },
} as const satisfies Readonly<Record<string, Route>>;

/** Names of the HTTP functions. */
export type RouteName = keyof typeof ROUTES;
