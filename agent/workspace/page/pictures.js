// Pictures and files. Only what this workspace serves is loaded; a picture from elsewhere is a link with its
// description.

import { h, icon, link, ownAddress } from "./dom.js";

/**
 * @param {{image_url?: string, slack_file?: {id?: string, url?: string}, alt_text?: string}} picture
 * @param {string} size "small" (an icon), "side" (an accessory) or "full"
 * @param {(file: {id?: string, url?: string}) => string|null} addressOf of a file of this workspace
 */
export function pictureNode(picture, size, addressOf) {
  const url = (picture.slack_file ? addressOf(picture.slack_file) : picture.image_url) ?? "";
  const own = /^data:image\/(png|jpeg|gif|webp);base64,/.test(url) ? url : ownAddress(url);
  const description = picture.alt_text ?? "";
  if (own && url)
    return h("img", { class: `picture ${size}`, src: own, alt: description, loading: "lazy", decoding: "async" });
  const shown = description || "picture";
  if (size === "small")
    return h(
      "span",
      { class: "picture small missing", role: "img", "aria-label": shown, title: shown },
      icon("eye", 14),
    );
  return h(
    "span",
    { class: "picture missing" },
    icon("eye", 16),
    link(url, shown),
    h("span", { class: "note" }, " (elsewhere, not loaded)"),
  );
}

/** `1.4 MB` */
export function sizeText(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A file of a message: a picture with its description, or a card to load it. */
export function fileNode(file, person) {
  const url = file.url ?? file.url_private ?? "";
  const own = ownAddress(url);
  const address = own && new URL(own, window.location.href);
  if (address && !address.searchParams.has("person")) address.searchParams.set("person", person);
  const title = file.title || file.name || "file";
  if (address && /^image\/(png|jpeg|gif|webp)/.test(file.mimetype ?? "")) return pictureFile(file, address, title);
  const note = [file.mimetype, file.size === undefined ? null : sizeText(file.size)].filter(Boolean).join(" · ");
  const inside = [
    h("span", { class: "file-mark" }, icon("file", 20)),
    h("span", { class: "file-text" }, h("strong", {}, title), h("span", { class: "note" }, note)),
    icon("download", 16),
  ];
  return address
    ? h("a", { class: "file", href: address.href, download: file.name || title }, inside)
    : h("span", { class: "file" }, inside);
}

function pictureFile(file, address, title) {
  const open = h("a", {
    class: "picture-link",
    href: address.href,
    target: "_blank",
    rel: "noopener noreferrer",
    "aria-label": `Open ${title}`,
  });
  open.append(
    h("img", {
      class: "picture full",
      src: address.href,
      alt: file.alt_txt || title,
      loading: "lazy",
      decoding: "async",
    }),
  );
  return h("figure", { class: "figure" }, h("figcaption", {}, title), open);
}
