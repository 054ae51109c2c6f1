import type {
  V1ConfigMap,
  V1ValidatingAdmissionPolicy,
  V1ValidatingAdmissionPolicyBinding,
} from "@kubernetes/client-node";
import type { AdmissionList } from "../../model/admission-list.ts";
import { FIELD_MANAGER, HOLD_LIST, HOLD_POLICY, OWN_NAMESPACE } from "../../model/incident-mark.ts";
import type { KubernetesWriter } from "../../model/kubernetes-port.ts";
import { checkedMetadata } from "./checked-answer.ts";
import type { Connection } from "./connection.ts";
import { managersFrom } from "./managers-from-api.ts";

const admission = { verb: "get", apiGroup: "admissionregistration.k8s.io", name: HOLD_POLICY } as const;
const list = { apiGroup: "", resource: "configmaps", namespace: OWN_NAMESPACE, name: HOLD_LIST } as const;

/** Reads the list of held workloads; null unless policy, binding and list are there and fit each other, so that an entry holds. */
export async function readHoldList({ find }: Connection): Promise<AdmissionList | null> {
  const [policy, binding, held] = await Promise.all([
    find({ ...admission, resource: "validatingadmissionpolicies" }, async (apis) => {
      const answer = await apis.admission.readValidatingAdmissionPolicy({ name: HOLD_POLICY });
      checkedMetadata(answer, { kind: "ValidatingAdmissionPolicy", name: HOLD_POLICY });
      return answer;
    }),
    find({ ...admission, resource: "validatingadmissionpolicybindings" }, async (apis) => {
      const answer = await apis.admission.readValidatingAdmissionPolicyBinding({ name: HOLD_POLICY });
      checkedMetadata(answer, { kind: "ValidatingAdmissionPolicyBinding", name: HOLD_POLICY });
      return answer;
    }),
    find({ verb: "get", ...list }, async ({ core }) =>
      listFrom(await core.readNamespacedConfigMap({ namespace: OWN_NAMESPACE, name: HOLD_LIST })),
    ),
  ]);
  return policy !== null && readsOurList(policy) && binding !== null && bindsOurList(binding) ? held : null;
}

/** The write of that list. */
export function writeHoldList({ call }: Connection): Pick<KubernetesWriter, "changeHoldList"> {
  return {
    changeHoldList: ({ uid, resourceVersion }, entries) =>
      call({ verb: "patch", ...list }, async ({ core, mergePatch }) => {
        const of = { namespace: OWN_NAMESPACE, name: HOLD_LIST, fieldManager: FIELD_MANAGER };
        const body = { metadata: { uid, resourceVersion }, data: entries };
        return listFrom(await core.patchNamespacedConfigMap({ ...of, body }, mergePatch), { uid });
      }),
  };
}

function listFrom(answer: V1ConfigMap, expected: { readonly uid?: string } = {}): AdmissionList {
  const { uid, resourceVersion, managedFields } = checkedMetadata(answer, {
    kind: "ConfigMap",
    namespace: OWN_NAMESPACE,
    name: HOLD_LIST,
    ...expected,
  });
  return { uid, resourceVersion, entries: answer.data ?? {}, managers: managersFrom(managedFields) };
}

function readsOurList({ spec }: V1ValidatingAdmissionPolicy): boolean {
  return spec?.paramKind?.apiVersion === "v1" && spec.paramKind.kind === "ConfigMap";
}

function bindsOurList({ spec }: V1ValidatingAdmissionPolicyBinding): boolean {
  return (
    spec?.policyName === HOLD_POLICY &&
    spec.paramRef?.name === HOLD_LIST &&
    spec.paramRef.namespace === OWN_NAMESPACE &&
    spec.validationActions?.includes("Deny") === true
  );
}
