import { LIST_GROUP, LIST_KIND, LIST_VERSION } from "../../model/admission-list.ts";
import { OWN_NAMESPACE } from "../../model/incident-mark.ts";
import type { BlockList } from "../../model/kubernetes-objects.ts";
import type { ApiCall } from "./api-call.ts";
import { checkedMetadata } from "./checked-answer.ts";
import type { Apis, Connection } from "./connection.ts";

const admission = { verb: "get", apiGroup: "admissionregistration.k8s.io" } as const;

/** The form of a list that a policy reads as its parameters; null: none that we know. */
type ListForm = BlockList["form"] | null;

/** A binding of a policy of ours, as it must be for the entries of a list to count. */
interface ListBinding {
  readonly name: string;
  readonly policy: string;
  readonly list: string;
  readonly action: "Deny" | "Warn";
}

/** The call that reads an admission policy. */
export function policyCall(name: string): ApiCall {
  return { ...admission, resource: "validatingadmissionpolicies", name };
}

/** The form of the list that the policy reads, as that call has it answered. */
export async function askListForm({ admission: api }: Apis, name: string): Promise<ListForm> {
  const answer = await api.readValidatingAdmissionPolicy({ name });
  checkedMetadata(answer, { kind: "ValidatingAdmissionPolicy", name });
  const { apiVersion, kind } = answer.spec?.paramKind ?? {};
  if (apiVersion === `${LIST_GROUP}/${LIST_VERSION}` && kind === LIST_KIND) return "AdmissionList";
  return apiVersion === "v1" && kind === "ConfigMap" ? "ConfigMap" : null;
}

/** The form of the list that the policy reads; null as well where there is no such policy. */
export function readListForm({ find }: Connection, name: string): Promise<ListForm> {
  return find(policyCall(name), (apis) => askListForm(apis, name));
}

/** Is the binding there, and does it have that policy act as the list says? */
export async function isListBound(
  { find }: Connection,
  { name, policy, list, action }: ListBinding,
): Promise<boolean> {
  const of = { ...admission, resource: "validatingadmissionpolicybindings", name };
  const binding = await find(of, async (apis) => {
    const answer = await apis.admission.readValidatingAdmissionPolicyBinding({ name });
    checkedMetadata(answer, { kind: "ValidatingAdmissionPolicyBinding", name });
    return answer;
  });
  const { policyName, paramRef, validationActions } = binding?.spec ?? {};
  return (
    policyName === policy &&
    paramRef?.name === list &&
    paramRef.namespace === OWN_NAMESPACE &&
    validationActions?.includes(action) === true
  );
}
