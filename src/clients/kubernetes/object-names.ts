import { Refused } from "../../model/errors.ts";

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const RBAC_NAME = /^[A-Za-z0-9]([-A-Za-z0-9:._]*[A-Za-z0-9])?$/;

/**
 * Raises `Refused` unless it is the name of a namespace (RFC 1123 label). The client puts names into the URL as
 * they are: an empty name or a dot turns the deletion of one object into that of all of them.
 */
export function checkNamespace(namespace: string): void {
  if (namespace.length > 63 || !LABEL.test(namespace)) {
    throw badName("a namespace", namespace);
  }
}

/** Raises `Refused` unless it is the name of an object (RFC 1123 subdomain); see `checkNamespace` for why. */
export function checkName(name: string): void {
  if (name.length > 253 || !SUBDOMAIN.test(name)) {
    throw badName("an object", name);
  }
}

/**
 * Raises `Refused` unless it may be the name of an object of RBAC, which may hold capitals and colons. Kubernetes allows
 * more; what would have to be escaped in a URL is refused here. A binding that is named so is a person's to look at.
 */
export function checkRbacName(name: string): void {
  if (name.length > 253 || !RBAC_NAME.test(name)) {
    throw badName("a binding that we would touch", name);
  }
}

function badName(of: string, name: string): Refused {
  return new Refused(
    `${JSON.stringify(name.slice(0, 300))} cannot be the name of ${of} in Kubernetes.`,
    "Look at the alert: a name that Kubernetes does not allow was not written by Kubernetes.",
  );
}
