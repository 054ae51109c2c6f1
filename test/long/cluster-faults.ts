import type { Fault } from "../../local/kubernetes/index.ts";

type Answer = Fault["answer"];

/** An error of the API server. */
const status = (code: number, reason: string, headers: Record<string, string> = {}): Answer => ({
  kind: "status",
  status: code,
  headers,
  body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code, reason, message: reason },
});

/** What a fault leads to: the change holds, or nothing is left of it and the record says why. */
export type Ends = "holds" | RegExp;

/** A fault of the cluster: what comes of it once and for ever, while the target is read and while it is written. */
interface ClusterFault {
  readonly answer: Answer;
  readonly reading: { readonly once: Ends; readonly ever: Ends } | null;
  readonly writing: { readonly once: Ends; readonly ever: Ends };
  /** Where creating differs from other writes. */
  readonly creating?: { readonly once: Ends; readonly ever: Ends };
  /** Where ending something differs from other writes. */
  readonly ending?: { readonly once: Ends; readonly ever: Ends };
}

const passing = (answer: Answer, words: RegExp): ClusterFault => ({
  answer,
  reading: { once: "holds", ever: words },
  writing: { once: "holds", ever: words },
});
const final = (answer: Answer, words: RegExp): ClusterFault => ({
  answer,
  reading: { once: words, ever: words },
  writing: { once: words, ever: words },
});
/** The change was made although nobody heard: reading back shows it. */
const unheard = (answer: Answer): ClusterFault => ({
  answer,
  reading: { once: "holds", ever: /did not answer/ },
  writing: { once: "holds", ever: "holds" },
});

/** Every way in which a cluster may misbehave. */
export const CLUSTER_FAULTS: Readonly<Record<string, ClusterFault>> = {
  "401": final(status(401, "Unauthorized"), /answered 401/),
  "403": final(status(403, "Forbidden"), /answered 403/),
  "404": {
    answer: status(404, "NotFound"),
    reading: { once: /has gone/, ever: /has gone/ },
    writing: { once: /404/, ever: /404/ },
    // That it has gone is what was wanted, and whether it has is read back.
    ending: { once: /is not there/, ever: /is not there/ },
  },
  "409": { ...passing(status(409, "Conflict"), /409/), reading: null },
  "422": passing(status(422, "Invalid"), /answered 422/),
  "429": passing(status(429, "TooManyRequests", { "retry-after": "2" }), /answered 429/),
  "500": passing(status(500, "InternalError"), /answered 500/),
  "503": passing(status(503, "ServiceUnavailable"), /answered 503/),
  slow: {
    answer: { kind: "delay", milliseconds: 250 },
    reading: { once: "holds", ever: "holds" },
    writing: { once: "holds", ever: "holds" },
  },
  hung: passing({ kind: "hang" }, /did not answer/),
  truncated: unheard({ kind: "truncated" }),
  "HTML with 200": passing({ kind: "html" }, /not the Kubernetes API/),
  "its answer lost": unheard({ kind: "lost-answer" }),
  "200 and nothing done": {
    answer: { kind: "not-done" },
    reading: null,
    writing: { once: /is not there/, ever: /is not there/ },
    // What was created has a uid: an answer without one is none.
    creating: { once: "holds", ever: /not the Kubernetes API/ },
  },
};
