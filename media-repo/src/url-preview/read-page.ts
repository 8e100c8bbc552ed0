// A page, as it streams in, to what it says of itself: OpenGraph, Twitter cards, oEmbed links, title and description.
// No tree is built, so depth costs nothing.
import { Parser } from 'htmlparser2';

export interface PageFacts {
  readonly properties: Map<string, string>;
  /** The first of each, as written; to be resolved against the page's URL. */
  image: string | null;
  oembed: string | null;
}

const MAX_PROPERTIES = 50;
const MAX_VALUE_LENGTH = 1_000;
const MAX_URL_LENGTH = 2_048;
const MAX_PARAGRAPH_LENGTH = 300;

/** Cards of Twitter, as the OpenGraph property that they stand for. */
const TWITTER: Readonly<Record<string, string>> = {
  'twitter:title': 'og:title',
  'twitter:description': 'og:description',
  'twitter:site': 'og:site_name',
};

export interface PageReader {
  readonly facts: PageFacts;
  write(text: string): void;
  end(): void;
}

/** Reads a page in pieces. Nothing in it makes this throw. */
export function createPageReader(): PageReader {
  const facts: PageFacts = { properties: new Map(), image: null, oembed: null };
  const fallback = { title: '', description: '', paragraph: '', image: null as string | null };
  let collecting: 'title' | 'paragraph' | null = null;
  const parser = new Parser({
    onopentag(name, attributes) {
      if (name === 'meta') readMeta(facts, fallback, attributes);
      else if (name === 'link') readLink(facts, fallback, attributes);
      else if (name === 'title' && fallback.title === '') collecting = 'title';
      else if (name === 'p' && fallback.paragraph.length < 80) collecting = 'paragraph';
    },
    ontext(text) {
      if (collecting === null || fallback[collecting].length > MAX_VALUE_LENGTH) return;
      fallback[collecting] += text;
    },
    onclosetag(name) {
      if (name === 'title' || name === 'p') collecting = null;
    },
  });
  return {
    facts,
    write: (text) => parser.write(text),
    end() {
      parser.end();
      setProperty(facts, 'og:title', fallback.title);
      setProperty(facts, 'og:description', fallback.description || fallback.paragraph.slice(0, MAX_PARAGRAPH_LENGTH));
      facts.image ??= fallback.image;
    },
  };
}

type Attributes = Readonly<Record<string, string>>;

function readMeta(
  facts: PageFacts,
  fallback: { description: string; image: string | null },
  { property, name, content }: Attributes,
): void {
  const key = (property ?? name ?? '').trim().toLowerCase();
  if (content === undefined) return;
  if (key === 'description') fallback.description ||= content;
  else if (/^og:image(:(secure_)?url)?$/.test(key)) facts.image ??= readUrl(content);
  else if (/^twitter:image(:src)?$/.test(key)) fallback.image ??= readUrl(content);
  else if (/^(og|article|profile|book|music):[\w:-]{1,60}$/.test(key) && !/:(image|video|audio)/.test(key)) {
    setProperty(facts, key, content);
  } else if (key in TWITTER) setProperty(facts, TWITTER[key] ?? '', content);
}

function readLink(facts: PageFacts, fallback: { image: string | null }, { rel, type, href }: Attributes): void {
  if (href === undefined) return;
  const relation = rel?.toLowerCase() ?? '';
  if (relation === 'alternate' && type?.toLowerCase() === 'application/json+oembed') facts.oembed ??= readUrl(href);
  else if (relation === 'image_src') fallback.image ??= readUrl(href);
}

/** The first value of a property counts. */
export function setProperty({ properties }: PageFacts, key: string, value: string): void {
  const text = cleanText(value);
  if (text === '' || properties.has(key) || properties.size >= MAX_PROPERTIES) return;
  properties.set(key, text);
}

function cleanText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  const plain = text.toWellFormed().replace(/[\x00-\x1f\x7f-\x9f\s]+/g, ' ');
  return plain.trim().slice(0, MAX_VALUE_LENGTH).toWellFormed();
}

function readUrl(text: string): string | null {
  const url = text.trim();
  return url === '' || url.length > MAX_URL_LENGTH ? null : url;
}
