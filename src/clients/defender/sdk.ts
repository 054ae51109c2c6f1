/** Takes a tenth of a second to load: reach it by dynamic import only. */
export { SecurityCenter } from "@azure/arm-security";
