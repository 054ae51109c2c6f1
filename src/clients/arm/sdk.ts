/** The parts of the pipeline that we use, by name, so that a bundle leaves out the rest: reach it by dynamic import. */
export {
  bearerTokenAuthenticationPolicy,
  bearerTokenAuthenticationPolicyName,
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineFromOptions,
  createPipelineRequest,
} from "@azure/core-rest-pipeline";
