// Imported with the first token only, so that a cold start does not wait for it.
export { createRemoteJWKSet, errors, jwtVerify } from "jose";
