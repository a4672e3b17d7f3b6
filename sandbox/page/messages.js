// One message of the log: author, content, embeds, attachments, components.

import { h } from "./dom.js";
import { components } from "./components.js";
import { markdown } from "./markdown.js";

const CDN = "https://cdn.discordapp.com";
const IMAGE = /\.(png|jpe?g|gif|webp)$/i;

/** `context`: {world, invoked(interaction id), press(message, component, values)} */
export function renderMessage(message, context) {
  const { names } = context.world;
  const invoked = message.interaction && context.invoked(message.interaction);
  return h(
    message.ephemeral ? "li.message.ephemeral" : "li.message",
    {},
    invoked && h("p.invoked", {}, h("b", {}, invoked.user), " used ", h("code", {}, `/${invoked.command}`)),
    h("header", {}, author(message.author), time(message), message.edited && h("small.edited", {}, "(edited)")),
    h("div.content", {}, markdown(message.content, names)),
    (message.embeds ?? []).map((embed) => renderEmbed(embed, names)),
    (message.attachments ?? []).map(attachment),
    components(message, context),
    message.ephemeral && h("p.only-you", {}, "👁 Only you can see this"),
  );
}

function author(user) {
  return [h("b", {}, user.display_name ?? user.name), user.bot && h("span.tag", {}, "BOT")];
}

function time(message) {
  const date = new Date(message.timestamp);
  return h("time", { title: date.toLocaleString() }, date.toLocaleTimeString([], { timeStyle: "short" }));
}

function renderEmbed(embed, names) {
  const node = h(
    "article.embed",
    {},
    embed.author && h("p.embed-author", {}, embed.author.name),
    embed.title && h("h3", {}, titled(embed, names)),
    embed.description && h("div.content", {}, markdown(embed.description, names)),
    embed.fields?.length > 0 && h("div.fields", {}, embed.fields.map((field) => renderField(field, names))),
    embed.image && image(embed.image.url, embed.title),
    embed.thumbnail && image(embed.thumbnail.url, embed.title),
    (embed.footer || embed.timestamp) && h("footer", {}, footer(embed)),
  );
  if (embed.color) node.style.borderLeftColor = `#${embed.color.toString(16).padStart(6, "0")}`;
  return node;
}

function titled(embed, names) {
  const title = markdown(embed.title, names);
  return embed.url ? h("a", { href: embed.url, target: "_blank", rel: "noopener noreferrer" }, title) : title;
}

function renderField(field, names) {
  return h(
    field.inline ? "section.inline" : "section",
    {},
    h("h4", {}, markdown(field.name, names)),
    h("div.content", {}, markdown(field.value, names)),
  );
}

function footer(embed) {
  const when = embed.timestamp && new Date(embed.timestamp).toLocaleString();
  return [embed.footer?.text, when].filter(Boolean).join(" • ");
}

function attachment(file) {
  const described = `${file.filename} (${file.size.toLocaleString()} bytes)`;
  if (IMAGE.test(file.filename)) return image(file.url, file.description ?? file.filename);
  return h("p.attachment", {}, "📄 ", h("a", { href: local(file.url), download: file.filename }, described));
}

/** The sandbox is Discord's CDN too. */
const local = (url) => (url.startsWith(`${CDN}/`) ? url.slice(CDN.length) : url);

function image(url, described) {
  return h("img", { src: local(url), alt: described ?? "image", loading: "lazy" });
}
