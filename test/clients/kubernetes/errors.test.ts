import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Fault, type KubernetesStandIn, startKubernetes } from "../../../local/kubernetes/index.ts";
import { classifyError } from "../../../src/clients/kubernetes/classify-error.ts";
import { createKubernetes } from "../../../src/clients/kubernetes/index.ts";
import { Conflict, Permanent, Retryable } from "../../../src/model/errors.ts";
import { pod } from "../../playbooks/cluster-objects.ts";

const SEEN = { uid: "u", resourceVersion: "1", entries: { b: "c" } };
const ZERO = { stop: 0, labels: {}, annotations: {} };

type Answer = Fault["answer"];

let cluster: KubernetesStandIn;

beforeAll(async () => {
  cluster = await startKubernetes();
  cluster.seed([pod("web-1")]);
});
afterEach(() => cluster.faults.clear());
afterAll(() => cluster.close());

function ports(timeoutMs = 5_000) {
  return createKubernetes({ kubeconfigText: cluster.kubeconfig(), context: null, timeoutMs });
}

function status(
  code: number,
  reason: string,
  details: object = {},
  headers: Record<string, string> = {},
): Answer {
  const body = {
    kind: "Status",
    apiVersion: "v1",
    status: "Failure",
    message: "secret-env",
    reason,
    details,
    code,
  };
  return { kind: "status", status: code, body: JSON.parse(JSON.stringify(body)), headers };
}

async function failureOfRead(answer: Answer, timeoutMs?: number): Promise<Error> {
  cluster.faults.add({ answer });
  return caught(ports(timeoutMs).reader.pod("shop", "web-1"));
}

async function failureOfWrite(answer: Answer): Promise<Error> {
  cluster.faults.add({ answer });
  const condition = { uid: "u", resourceVersion: "1" };
  return caught(ports().writer.labelPod("shop", "web-1", condition, { x: "y" }));
}

async function caught(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) {
      return error;
    }
  }
  throw new Error("it did not fail");
}

describe("errors of the API server", () => {
  it.each([
    ["with seconds", { "retry-after": "7" }, 7_000],
    ["with nothing to read", { "retry-after": "soon" }, 5_000],
    ["without a word", {}, 5_000],
  ])("waits after 429 %s", async (_how, headers, retryAfterMs) => {
    const answer: Answer = { kind: "status", status: 429, body: "Too many requests", headers };
    for (const failure of [await failureOfRead(answer), await failureOfWrite(answer)]) {
      expect(failure).toBeInstanceOf(Retryable);
      expect(failure).toMatchObject({ retryAfterMs });
    }
  });

  it("waits after a 429 of a disruption budget, says what to do, and knows that nothing was done", async () => {
    const causes = [{ reason: "DisruptionBudget", message: "secret-env" }];
    for (const [headers, retryAfterMs] of [
      [{}, 30_000],
      [{ "retry-after": "10" }, 10_000],
    ] as const) {
      cluster.faults.add({ answer: status(429, "TooManyRequests", { causes }, headers) });
      const failure = await caught(ports().writer.evictPod("shop", "web-1", { uid: "u" }));
      expect(failure).toBeInstanceOf(Retryable);
      expect(failure).toMatchObject({
        retryAfterMs,
        undone: true,
        message: expect.stringContaining("PodDisruptionBudget"),
        advice: expect.stringContaining("by: delete"),
      });
      expect(textOf(failure)).not.toContain("secret-env");
    }
    const overload = await failureOfWrite({ kind: "status", status: 429, body: "Too many requests" });
    expect(overload).toMatchObject({ undone: false });
  });

  it.each([500, 502, 503, 504])("tries again after %i, whatever its body is", async (code) => {
    expect(await failureOfRead({ kind: "status", status: code, body: "<html>" })).toBeInstanceOf(Retryable);
    expect(await failureOfWrite(status(code, "InternalError"))).toBeInstanceOf(Retryable);
  });

  it("asks for a new credential after 401", async () => {
    const failure = await failureOfRead({ kind: "status", status: 401 });
    expect(failure).toBeInstanceOf(Permanent);
    expect(failure).toMatchObject({ advice: expect.stringContaining("credential") });
  });

  it("names the right that is missing after 403", async () => {
    const failure = await failureOfWrite(status(403, "Forbidden"));
    expect(failure).toBeInstanceOf(Permanent);
    expect(failure).toMatchObject({
      advice: expect.stringMatching(/right to patch pods of the core API group in namespace shop/),
    });
  });

  it("reads an object that is not there as null, and writes to it as a conflict", async () => {
    cluster.faults.add({ answer: status(404, "NotFound") });
    expect(await ports().reader.pod("shop", "web-1")).toBeNull();
    const failure = await failureOfWrite(status(404, "NotFound"));
    expect(failure).toBeInstanceOf(Conflict);
    expect(failure.message).toContain("has gone");
  });

  it("does not take somebody else's 404 for an object that is not there", async () => {
    for (const body of ["404 page not found", "<html>no such page</html>", ""]) {
      expect(await failureOfRead({ kind: "status", status: 404, body })).toBeInstanceOf(Retryable);
    }
  });

  it.each([
    ["another version", status(409, "Conflict")],
    ["a failed test of a JSON patch", status(422, "Invalid")],
    [
      "another uid",
      status(422, "Invalid", { causes: [{ reason: "FieldValueInvalid", field: "metadata.uid" }] }),
    ],
  ])("reads again at once after a precondition failed by %s", async (_how, answer) => {
    const failure = await failureOfWrite(answer);
    expect(failure).toBeInstanceOf(Retryable);
    expect(failure).toMatchObject({ retryAfterMs: 0 });
  });

  it("gives up after 422, and names the fields but not what the server quotes", async () => {
    const failure = await failureOfWrite(
      status(422, "Invalid", {
        causes: [{ reason: "FieldValueInvalid", message: "secret-env", field: "spec.x" }],
      }),
    );
    expect(failure).toBeInstanceOf(Permanent);
    expect(failure.message).toContain("spec.x");
    expect(textOf(failure)).not.toContain("secret-env");
  });

  it("gives up where an admission policy denies", async () => {
    const failure = await failureOfWrite(status(422, "Invalid", { causes: [{ message: "denied request" }] }));
    expect(failure).toBeInstanceOf(Permanent);
    expect(failure).toMatchObject({ advice: expect.stringContaining("admission policy") });
  });

  it("knows a namespace that is being deleted as gone", async () => {
    const causes = [{ reason: "NamespaceTerminating", field: "metadata.namespace" }];
    expect(await failureOfWrite(status(403, "Forbidden", { causes }))).toBeInstanceOf(Conflict);
  });

  it("is no conflict but a fault of the other side where a name is taken", async () => {
    cluster.faults.add({ answer: status(409, "AlreadyExists") });
    const taken = {
      namespace: "shop",
      name: "x",
      podLabel: ["a", "b"] as const,
      labels: {},
      annotations: {},
    };
    expect(await caught(ports().writer.createDenyAllPolicy(taken))).toBeInstanceOf(Conflict);
  });
});

describe("answers that are none", () => {
  it("takes no web page for success", async () => {
    expect(await failureOfRead({ kind: "html" })).toBeInstanceOf(Retryable);
    expect(await failureOfWrite({ kind: "html" })).toBeInstanceOf(Retryable);
    const { reader, writer } = ports();
    const calls = [
      () => reader.namespace("shop"),
      () => reader.node("n1"),
      () => reader.workload("Job", "shop", "web"),
      () => reader.workloadState("Deployment", "shop", "web"),
      () => reader.networkPolicies("shop"),
      () => reader.networkPolicy("shop", "web"),
      () => reader.enginePolicy({ kind: "AdminNetworkPolicy", namespace: "", name: "web" }),
      () => reader.enginePolicies("CalicoTier", {}),
      () => writer.deleteEngineDeny({ kind: "AdminNetworkPolicy", namespace: "", name: "web" }, { uid: "u" }),
      () => reader.blockList(),
      () => reader.marked(),
      () => reader.tryPods([{ containers: [{ image: "a" }] }], 1),
      () => reader.podRules(),
      () => reader.eachPod(() => undefined),
      () => writer.deleteNetworkPolicy("shop", "web", { uid: "u" }),
      () => writer.changeWorkload("Deployment", "shop", "web", { uid: "u", resourceVersion: "1" }, ZERO),
      () => writer.deletePod("shop", "web", { uid: "u", resourceVersion: "1" }),
      () => writer.evictPod("shop", "web", { uid: "u" }),
      () => writer.askEviction("shop", "web", { uid: "u" }),
      () => reader.nodes(),
      () => reader.podsOnNode("n1"),
      () => reader.disruptionBudgets(),
      () => writer.cordonNode("n1", { uid: "u", resourceVersion: "1" }, { unschedulable: true, labels: {} }),
      () => writer.changePodRules("deny", SEEN, { a: "b" }),
      () => writer.changeBlockList({ ...SEEN, form: "AdmissionList" }, { a: "b" }),
    ];
    for (const call of calls) {
      // What one call still had under way may take some of the next one's.
      cluster.faults.add({ times: 99, answer: { kind: "html" } });
      expect(await caught(call())).toBeInstanceOf(Retryable);
      cluster.faults.clear();
    }
  });

  it.each<[string, { kind?: string; metadata?: object }]>([
    ["name", { metadata: { name: "web-2" } }],
    ["namespace", { metadata: { namespace: "other" } }],
    ["kind", { kind: "Secret" }],
    ["uid", { metadata: { uid: "" } }],
  ])("takes no object of another %s for the one that was asked for", async (_what, other) => {
    const stored = JSON.parse(JSON.stringify(cluster.read("pods", "shop", "web-1")));
    const body = {
      ...stored,
      ...other,
      metadata: { ...stored.metadata, ...other.metadata },
    };
    expect(await failureOfRead({ kind: "status", status: 200, body })).toBeInstanceOf(Retryable);
  });

  it("takes no written object of another uid for the one that was meant", async () => {
    const body = JSON.parse(JSON.stringify(cluster.read("pods", "shop", "web-1")));
    expect(await failureOfWrite({ kind: "status", status: 200, body })).toBeInstanceOf(Retryable);
  });

  it.each<[string, Answer]>([
    ["half an answer", { kind: "truncated" }],
    ["a lost answer", { kind: "lost-answer" }],
    [
      "text that is no JSON",
      { kind: "status", status: 200, body: "{", headers: { "content-type": "application/json" } },
    ],
  ])("tries again after %s", async (_what, answer) => {
    expect(await failureOfRead(answer)).toBeInstanceOf(Retryable);
  });

  it("does not quote what it could not read", async () => {
    const headers = { "content-type": "application/json" };
    const failure = await failureOfRead({ kind: "status", status: 200, body: "secret-env", headers });
    expect(failure).toBeInstanceOf(Retryable);
    expect(textOf(failure)).not.toContain("secret");
  });

  it("does not wait for ever for a silent server", async () => {
    expect(await failureOfRead({ kind: "hang" }, 60)).toBeInstanceOf(Retryable);
  });

  it("tries again where nobody listens", async () => {
    const gone = await startKubernetes();
    const { reader } = createKubernetes({ kubeconfigText: gone.kubeconfig(), context: null });
    await gone.close();
    const failure = await caught(reader.pod("shop", "web-1"));
    expect(failure).toBeInstanceOf(Retryable);
    expect(failure.message).toContain("ECONNREFUSED");
  });
});

describe("classifying", () => {
  const call = { verb: "get", apiGroup: "", resource: "pods" } as const;

  it("does not wait for a certificate to become trusted", () => {
    const cause = Object.assign(new Error("x"), { code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });
    expect(classifyError(new TypeError("fetch failed", { cause }), call)).toBeInstanceOf(Permanent);
  });

  it("tries again where the HTTP client gives no code", () => {
    for (const message of ["fetch failed", "terminated"]) {
      expect(classifyError(new TypeError(message), call)).toBeInstanceOf(Retryable);
    }
  });

  it("takes the number of an abort for no HTTP status", () => {
    expect(classifyError(new DOMException("late", "TimeoutError"), call)).toBeInstanceOf(Retryable);
    expect(classifyError(new DOMException("stop", "AbortError"), call)).toBeInstanceOf(Retryable);
  });

  it("hands faults of our own on as they are", () => {
    const fault = new TypeError("undefined is not a function");
    expect(classifyError(fault, call)).toBe(fault);
    const misuse = Object.assign(new TypeError("bad argument"), { code: "ERR_INVALID_ARG_TYPE" });
    expect(classifyError(misuse, call)).toBe(misuse);
  });
});

/** All that a careless log of an error would print. */
function textOf(error: unknown): string {
  return error instanceof Error
    ? `${JSON.stringify(error)} ${error.message} ${error.stack} ${textOf(error.cause)}`
    : String(error);
}
