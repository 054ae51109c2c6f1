/**
 * The parts of the Kubernetes client that we use, by name, so that a bundle leaves out the rest. It takes a third
 * of a second to load: reach it by dynamic import only.
 */
export {
  AdmissionregistrationV1Api,
  AppsV1Api,
  BatchV1Api,
  CoreV1Api,
  CustomObjectsApi,
  createConfiguration,
  KubeConfig,
  NetworkingV1Api,
  PatchStrategy,
  ServerConfiguration,
  setHeaderOptions,
} from "@kubernetes/client-node";
export { ObjectSerializer } from "@kubernetes/client-node/dist/gen/models/ObjectSerializer.js";
export { of } from "@kubernetes/client-node/dist/gen/rxjsStub.js";
export { Agent } from "undici";
