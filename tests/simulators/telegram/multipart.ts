/** A file that came in a multipart body. */
export interface UploadedFile {
  readonly name: string;
  readonly content: Uint8Array;
}

/** The parts of a multipart body: plain fields as text, and files by the part's name. */
export interface MultipartBody {
  readonly fields: Record<string, string>;
  readonly files: Map<string, UploadedFile>;
}

/**
 * Reads a multipart/form-data body the way Telegram's server does: header names in any case, quotes around names and file names
 * optional, blank after the semicolon optional. grammY sends `content-disposition:form-data;name="x";filename=a b.txt`, which
 * stricter parsers refuse or lose.
 */
export function parseMultipart(body: Buffer, boundary: string): MultipartBody {
  const fields: Record<string, string> = {};
  const files = new Map<string, UploadedFile>();
  for (const part of parts(body, boundary)) {
    const headerEnd = part.indexOf('\r\n\r\n');
    if (headerEnd < 0) continue;
    const disposition = part
      .subarray(0, headerEnd)
      .toString('utf8')
      .split('\r\n')
      .find((line) => /^content-disposition\s*:/i.test(line));
    const content = part.subarray(headerEnd + 4);
    const name = attribute(disposition ?? '', 'name');
    if (name === undefined) continue;
    const fileName = attribute(disposition ?? '', 'filename');
    if (fileName === undefined) fields[name] = content.toString('utf8');
    else files.set(name, { name: fileName, content: Uint8Array.from(content) });
  }
  return { fields, files };
}

function* parts(body: Buffer, boundary: string): Generator<Buffer> {
  const delimiter = Buffer.from(`--${boundary}`);
  let start = body.indexOf(delimiter);
  while (start >= 0) {
    const from = start + delimiter.length;
    if (body.subarray(from, from + 2).toString() === '--') return;
    const end = body.indexOf(delimiter, from);
    if (end < 0) return;
    // The line break after the delimiter and the one before the next belong to the delimiters.
    yield body.subarray(from + 2, end - 2);
    start = end;
  }
}

function attribute(disposition: string, name: string): string | undefined {
  const match = new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^;\\r\\n]*))`, 'i').exec(disposition);
  return match?.[1] ?? match?.[2];
}
