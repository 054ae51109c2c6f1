import type { V1ValidatingAdmissionPolicyBinding } from "@kubernetes/client-node";
import { LIST_GROUP, LIST_KIND, LIST_VERSION } from "../../model/admission-list.ts";
import { OWN_NAMESPACE } from "../../model/incident-mark.ts";
import type { KubernetesReader, KubernetesWriter } from "../../model/kubernetes-port.ts";
import {
  ownerOfPodRule,
  POD_RULE_LISTS,
  POD_RULES_POLICY,
  type PodRuleAction,
  type PodRuleLists,
} from "../../model/pod-rules.ts";
import { changeAdmissionList, isUnknownKind, readAdmissionList } from "./admission-lists.ts";
import { checkedMetadata } from "./checked-answer.ts";
import type { Connection } from "./connection.ts";

const admission = { verb: "get", apiGroup: "admissionregistration.k8s.io" } as const;

/** The part of the reader that reads the pod rules. */
export function readPodRules(connection: Connection): Pick<KubernetesReader, "podRules"> {
  return {
    async podRules() {
      const policy = await readPolicy(connection);
      if (policy === "unserved") return "unserved";
      const [warn, deny] = await Promise.all([readRules(connection, "warn"), readRules(connection, "deny")]);
      return policy && warn !== null && deny !== null ? { warn, deny } : null;
    },
  };
}

/** The part of the writer that changes them. */
export function writePodRules(connection: Connection): Pick<KubernetesWriter, "changePodRules"> {
  return {
    changePodRules: (action, condition, entries) =>
      changeAdmissionList(connection, POD_RULE_LISTS[action], condition, entries),
  };
}

/** What bears our mark among the rules. */
export async function markedPodRules(
  connection: Connection,
): Promise<readonly { readonly object: string; readonly remediationId: string }[]> {
  const names = Object.values(POD_RULE_LISTS);
  const lists = await Promise.all(names.map((name) => readAdmissionList(connection, name)));
  return lists.flatMap((list, at) =>
    Object.entries(list?.entries ?? {}).flatMap(([key, value]) => {
      const remediationId = ownerOfPodRule(value);
      return remediationId === null ? [] : [{ object: `entry ${key} of ${names[at]}`, remediationId }];
    }),
  );
}

/** Is the policy there, and does it read our lists? An API server older than 1.30 serves no such kind. */
function readPolicy({ find }: Connection): Promise<boolean | null | "unserved"> {
  const name = POD_RULES_POLICY;
  return find({ ...admission, resource: "validatingadmissionpolicies", name }, async (apis) => {
    try {
      const answer = await apis.admission.readValidatingAdmissionPolicy({ name });
      checkedMetadata(answer, { kind: "ValidatingAdmissionPolicy", name });
      const { apiVersion, kind } = answer.spec?.paramKind ?? {};
      return apiVersion === `${LIST_GROUP}/${LIST_VERSION}` && kind === LIST_KIND;
    } catch (error) {
      if (isUnknownKind(error)) return "unserved";
      throw error;
    }
  });
}

/** The rules of one action; null unless its binding is there and reads them. */
async function readRules(
  connection: Connection,
  action: PodRuleAction,
): Promise<PodRuleLists[PodRuleAction] | null> {
  const name = POD_RULE_LISTS[action];
  const of = { ...admission, resource: "validatingadmissionpolicybindings", name };
  const binding = await connection.find(of, async (apis) => {
    const answer = await apis.admission.readValidatingAdmissionPolicyBinding({ name });
    checkedMetadata(answer, { kind: "ValidatingAdmissionPolicyBinding", name });
    return answer;
  });
  return binding !== null && binds(binding, action) ? readAdmissionList(connection, name) : null;
}

function binds({ spec }: V1ValidatingAdmissionPolicyBinding, action: PodRuleAction): boolean {
  return (
    spec?.policyName === POD_RULES_POLICY &&
    spec.paramRef?.name === POD_RULE_LISTS[action] &&
    spec.paramRef.namespace === OWN_NAMESPACE &&
    spec.validationActions?.includes(action === "deny" ? "Deny" : "Warn") === true
  );
}
