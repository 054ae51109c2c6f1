import type { ArmStandIn } from "../../../local/arm/index.ts";

type FaultOf = Parameters<ArmStandIn["faults"]["add"]>[0]["answer"];

/** Everything that may be between us and an answer, and what our own error for it is. */
export const FAULTS: readonly {
  readonly name: string;
  readonly answer: FaultOf;
  readonly kind: "retryable" | "permanent";
  readonly retryAfterMs?: number;
  readonly says: RegExp;
  /** Requests that one GET makes while it lasts; one if not given. */
  readonly requests?: number;
}[] = [
  { name: "401", answer: { kind: "status", status: 401 }, kind: "permanent", says: /401/ },
  { name: "403", answer: { kind: "status", status: 403 }, kind: "permanent", says: /403/ },
  { name: "400", answer: { kind: "status", status: 400 }, kind: "permanent", says: /400 \(InjectedFault\)/ },
  {
    name: "429 with Retry-After",
    answer: { kind: "status", status: 429, headers: { "retry-after": "17" } },
    kind: "retryable",
    retryAfterMs: 17_000,
    says: /429/,
  },
  {
    name: "503 with Retry-After",
    answer: { kind: "status", status: 503, headers: { "retry-after": "3" } },
    kind: "retryable",
    retryAfterMs: 3_000,
    says: /503/,
  },
  {
    name: "429 without a word",
    answer: { kind: "status", status: 429 },
    kind: "retryable",
    retryAfterMs: 10_000,
    says: /429/,
  },
  { name: "500", answer: { kind: "status", status: 500 }, kind: "retryable", says: /500/ },
  { name: "409", answer: { kind: "status", status: 409 }, kind: "retryable", says: /409/ },
  {
    name: "a redirect",
    answer: { kind: "status", status: 302, headers: { location: "https://elsewhere.example/" } },
    kind: "permanent",
    says: /302/,
  },
  {
    name: "a 404 that is not Azure's",
    answer: { kind: "status", status: 404, body: "<html>", headers: { "content-type": "text/html" } },
    kind: "retryable",
    says: /not Azure Resource Manager/,
  },
  {
    name: "a login page with 200",
    answer: { kind: "html" },
    kind: "retryable",
    says: /not Azure Resource Manager/,
  },
  {
    name: "broken JSON with 200",
    answer: { kind: "status", status: 200, body: '{"id": ' },
    kind: "retryable",
    says: /not Azure Resource Manager/,
  },
  {
    name: "more than a megabyte",
    answer: { kind: "status", status: 200, body: `"${"x".repeat(1_100_000)}"` },
    kind: "retryable",
    says: /not Azure Resource Manager/,
  },
  { name: "half an answer", answer: { kind: "truncated" }, kind: "retryable", says: /did not answer/ },
  {
    name: "a dropped connection",
    answer: { kind: "lost-answer" },
    kind: "retryable",
    says: /did not answer/,
    requests: 2,
  },
  { name: "no answer at all", answer: { kind: "hang" }, kind: "retryable", says: /no answer in time/ },
];

/** Longer than any answer takes that comes at all. */
export const SHORT_MS = 1_500;
