import type { KubernetesReader, KubernetesWriter } from "../../model/kubernetes-port.ts";
import {
  POD_RULE_LISTS,
  POD_RULES_POLICY,
  type PodRuleAction,
  type PodRuleLists,
} from "../../model/pod-rules.ts";
import { changeAdmissionList, readAdmissionList } from "./admission-lists.ts";
import { isNotServed } from "./classify-error.ts";
import type { Connection } from "./connection.ts";
import { askListForm, isListBound, policyCall } from "./list-policy.ts";

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
    changePodRules: (action, seen, entries) =>
      changeAdmissionList(connection, POD_RULE_LISTS[action], seen, entries),
  };
}

/** Is the policy there, and does it read our lists? An API server older than 1.30 serves no such kind. */
async function readPolicy({ find }: Connection): Promise<boolean | "unserved"> {
  const form = await find(policyCall(POD_RULES_POLICY), (apis) =>
    askListForm(apis, POD_RULES_POLICY).catch((error: unknown) => {
      if (isNotServed(error)) return "unserved" as const;
      throw error;
    }),
  );
  return form === "unserved" ? form : form === "AdmissionList";
}

/** The rules of one action; null unless its binding is there and reads them. */
async function readRules(
  connection: Connection,
  action: PodRuleAction,
): Promise<PodRuleLists[PodRuleAction] | null> {
  const name = POD_RULE_LISTS[action];
  const isBound = await isListBound(connection, {
    name,
    policy: POD_RULES_POLICY,
    list: name,
    action: action === "deny" ? "Deny" : "Warn",
  });
  return isBound ? readAdmissionList(connection, name) : null;
}
