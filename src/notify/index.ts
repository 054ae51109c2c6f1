export { composeCard } from "./compose-card.ts";
export { composeMail } from "./compose-mail.ts";
