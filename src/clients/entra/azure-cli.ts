// Imported by the terminal when it first needs a token; nothing else of the library is asked for.
export { AzureCliCredential } from "@azure/identity";
