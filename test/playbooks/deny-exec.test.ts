import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { MOST_ENTRIES } from "../../src/model/admission-list.ts";
import { Conflict, Refused } from "../../src/model/errors.ts";
import { OWN_NAMESPACE, SESSION_LIST, SESSION_POLICY } from "../../src/model/incident-mark.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import { denyExec } from "../../src/playbooks/deny-exec.ts";
import { judgeOf } from "./admission-policy.ts";
import { evaluators } from "./cel-evaluators.ts";
import { CLUSTER, manifest, pod, sessionListObjects } from "./cluster-objects.ts";
import { startCluster as start } from "./start-cluster.ts";

const ID = "a-1";

type Ports = Awaited<ReturnType<typeof start>>["ports"];

const targetOf = (name: string) => ({ kind: "pod", cluster: CLUSTER, namespace: "shop", name }) as const;

function propose(ports: Ports, name = "web-1", remediationId = ID) {
  return denyExec.plan({ target: targetOf(name), parameters: {}, remediationId }, ports);
}

async function planOf(ports: Ports, remediationId = ID): Promise<Plan> {
  const outcome = await propose(ports, "web-1", remediationId);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  return sealPlan(outcome.draft, { remediationId, playbook: denyExec.name, target: targetOf("web-1") });
}

/** What somebody is told who opens a session. */
async function session(cluster: KubernetesStandIn, name: string, way = "exec", method = "POST") {
  const answer = await fetch(`${cluster.url}/api/v1/namespaces/shop/pods/${name}/${way}`, {
    method,
    headers: { authorization: "Bearer stand-in-token" },
  });
  return `${answer.status} ${z.object({ message: z.string() }).parse(await answer.json()).message}`;
}

const entries = (cluster: KubernetesStandIn) =>
  Object(cluster.read("admissionlists", OWN_NAMESPACE, SESSION_LIST)?.["spec"])["entries"] ?? {};

describe("the policy of the manifests", () => {
  const [list, policy, binding] = manifest("8-deny-exec.yaml");
  const { spec } = z
    .object({
      spec: z.object({
        failurePolicy: z.literal("Ignore"),
        paramKind: z.strictObject({
          apiVersion: z.literal("defender-reflex.dev/v1"),
          kind: z.literal("AdmissionList"),
        }),
        matchConstraints: z.object({ resourceRules: z.array(z.unknown()).length(1) }),
        variables: z.array(z.strictObject({ name: z.string(), expression: z.string() })),
        validations: z.tuple([
          z.strictObject({ expression: z.string(), message: z.string(), messageExpression: z.string() }),
        ]),
      }),
    })
    .parse(policy);

  it("denies the sessions of the list, exactly those, in both evaluators", () => {
    const judges = evaluators.map((evaluator) => judgeOf(policy, evaluator));
    const around = { object: null, oldObject: null };
    const name = fc.stringMatching(/^[a-z0-9]{1,3}(-[a-z0-9]{1,2})?$/);
    const podName = fc.stringMatching(/^[a-z0-9]{1,2}(\.[a-z0-9])?$/);
    fc.assert(
      fc.property(
        name,
        podName,
        fc.array(fc.tuple(name, podName)),
        fc.boolean(),
        (namespace, of, listed, own) => {
          const pods = own ? [...listed, [namespace, of] as const] : listed;
          const byKey = Object.fromEntries(pods.map(([home, one]) => [`${home}.${one}`, "x"]));
          const request = { namespace, name: of, operation: "CONNECT" };
          const denied = pods.some(([home, one]) => home === namespace && one === of);
          const words = denied ? [`reflex-denied-session: ${namespace}/${of}`] : [];
          for (const judge of judges) {
            expect(judge({ ...around, request, params: { spec: { entries: byKey } } })).toEqual(words);
            for (const params of [{ spec: { entries: {} } }, { spec: {} }, {}, null]) {
              expect(judge({ ...around, request, params })).toEqual([]);
            }
          }
        },
      ),
    );
  });

  it("is asked about every way into a pod, and reads our list, without which nothing is denied", () => {
    expect(spec.matchConstraints.resourceRules).toEqual([
      {
        apiGroups: [""],
        apiVersions: ["v1"],
        operations: ["CONNECT"],
        resources: ["pods/exec", "pods/attach", "pods/portforward"],
      },
    ]);
    expect(policy).toMatchObject({ metadata: { name: SESSION_POLICY } });
    expect(binding).toMatchObject({
      metadata: { name: SESSION_POLICY },
      spec: {
        policyName: SESSION_POLICY,
        validationActions: ["Deny"],
        paramRef: { name: SESSION_LIST, namespace: OWN_NAMESPACE, parameterNotFoundAction: "Allow" },
      },
    });
    expect(list).toMatchObject({
      kind: "AdmissionList",
      metadata: { name: SESSION_LIST, namespace: OWN_NAMESPACE },
    });
    expect(list).not.toHaveProperty("spec");
  });
});

describe("what is not denied", () => {
  it.each([
    "AdmissionList",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "CustomResourceDefinition",
  ])("is refused where a part of the manifest is missing (%s)", async (missing) => {
    // A definition takes its objects with it.
    const gone = missing === "CustomResourceDefinition" ? [missing, "AdmissionList"] : [missing];
    const objects = sessionListObjects().filter((object) => !gone.includes(Reflect.get(object, "kind")));
    const { cluster, ports } = await start([...objects, pod("web-1")]);
    await expect(propose(ports)).rejects.toThrow(Refused);
    expect(cluster.effects).toEqual([]);
  });

  it("has nothing to do where another remediation denies it, and leaves that alone", async () => {
    const { ports } = await start([...sessionListObjects(), pod("web-1")]);
    await denyExec.apply(await planOf(ports, "b-2"), ports);
    expect(await propose(ports)).toMatchObject({ outcome: "no-op" });
  });

  it("skips a pod where the list is full, which the API server would not take", async () => {
    const entries = Object.fromEntries(Array.from({ length: MOST_ENTRIES }, (_, at) => [`shop.p${at}`, "x"]));
    const list = { apiVersion: "defender-reflex.dev/v1", kind: "AdmissionList", spec: { entries } };
    const full = { ...list, metadata: { name: SESSION_LIST, namespace: OWN_NAMESPACE } };
    const { ports } = await start([...sessionListObjects(), full, pod("web-1")]);
    expect(await propose(ports)).toMatchObject({ outcome: "skip", reason: expect.stringContaining("full") });
  });
});

describe("denying", () => {
  it("closes the pod to exec, attach and port-forward, and no other; taken back it is open again", async () => {
    const { cluster, ports } = await start([...sessionListObjects(), pod("web-1"), pod("web-2")]);
    const plan = await planOf(ports);
    expect(plan.limits.join()).toContain("Sessions that are open go on");
    await denyExec.apply(plan, ports);
    for (const way of ["exec", "attach", "portforward"]) {
      for (const method of ["GET", "POST"]) {
        expect(await session(cluster, "web-1", way, method)).toMatch(
          /^422 .*reflex-denied-session: shop\/web-1$/,
        );
        expect(await session(cluster, "web-2", way, method)).toMatch(/^400 /);
      }
    }
    await denyExec.revert(plan, ports);
    expect(await session(cluster, "web-1")).toMatch(/^400 /);
    expect(entries(cluster)).toEqual({});
  });

  it("takes its entry out also where the pod has gone meanwhile", async () => {
    const { cluster, ports } = await start([...sessionListObjects(), pod("web-1")]);
    const plan = await planOf(ports);
    await denyExec.apply(plan, ports);
    cluster.seed([pod("web-1", { metadata: { uid: "11111111-2222-3333-4444-555555555555" } })]);
    expect(await denyExec.verify(plan, ports)).toMatchObject({ verdict: "absent" });
    await expect(denyExec.apply(plan, ports)).rejects.toThrow(Conflict);
    expect(await denyExec.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(entries(cluster)).toEqual({});
    expect(await denyExec.revert(plan, ports)).toMatchObject({ outcome: "gone" });
  });
});
