// Imported on first use only, so that one named import keeps the rest of the library out of the start.
export { ManagedIdentityCredential } from "@azure/identity";
