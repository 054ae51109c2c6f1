import type {
  V1ConfigMap,
  V1ValidatingAdmissionPolicy,
  V1ValidatingAdmissionPolicyBinding,
} from "@kubernetes/client-node";
import { BLOCK_LIST, BLOCK_POLICY, OWN_NAMESPACE } from "../../model/incident-mark.ts";
import type { BlockList } from "../../model/kubernetes-objects.ts";
import { checkedMetadata } from "./checked-answer.ts";
import type { Connection } from "./connection.ts";
import { managersFrom } from "./managers-from-api.ts";

const admission = { verb: "get", apiGroup: "admissionregistration.k8s.io", name: BLOCK_POLICY } as const;

/** Reads the block list; null unless policy, binding and list are there and fit each other, so that an entry blocks. */
export async function readBlockList({ find }: Connection): Promise<BlockList | null> {
  const [policy, binding, list] = await Promise.all([
    find({ ...admission, resource: "validatingadmissionpolicies" }, async (apis) => {
      const answer = await apis.admission.readValidatingAdmissionPolicy({ name: BLOCK_POLICY });
      checkedMetadata(answer, { kind: "ValidatingAdmissionPolicy", name: BLOCK_POLICY });
      return answer;
    }),
    find({ ...admission, resource: "validatingadmissionpolicybindings" }, async (apis) => {
      const answer = await apis.admission.readValidatingAdmissionPolicyBinding({ name: BLOCK_POLICY });
      checkedMetadata(answer, { kind: "ValidatingAdmissionPolicyBinding", name: BLOCK_POLICY });
      return answer;
    }),
    find(
      { verb: "get", apiGroup: "", resource: "configmaps", namespace: OWN_NAMESPACE, name: BLOCK_LIST },
      async (apis) =>
        blockListFrom(
          await apis.core.readNamespacedConfigMap({ namespace: OWN_NAMESPACE, name: BLOCK_LIST }),
        ),
    ),
  ]);
  const enforced = policy !== null && readsOurList(policy) && binding !== null && bindsOurList(binding);
  return enforced ? list : null;
}

/** Our block list from the API's ConfigMap; raises `StrangeAnswer` where it is another object. */
export function blockListFrom(answer: V1ConfigMap, expected: { readonly uid?: string } = {}): BlockList {
  const { uid, resourceVersion, managedFields } = checkedMetadata(answer, {
    kind: "ConfigMap",
    namespace: OWN_NAMESPACE,
    name: BLOCK_LIST,
    ...expected,
  });
  return { uid, resourceVersion, entries: answer.data ?? {}, managers: managersFrom(managedFields) };
}

function readsOurList({ spec }: V1ValidatingAdmissionPolicy): boolean {
  return spec?.paramKind?.apiVersion === "v1" && spec.paramKind.kind === "ConfigMap";
}

function bindsOurList({ spec }: V1ValidatingAdmissionPolicyBinding): boolean {
  return (
    spec?.policyName === BLOCK_POLICY &&
    spec.paramRef?.name === BLOCK_LIST &&
    spec.paramRef.namespace === OWN_NAMESPACE &&
    spec.validationActions?.includes("Deny") === true
  );
}
