import { Busboy } from '@fastify/busboy';
import { AppError } from '../errors.ts';
import { imageTooLarge } from './image-too-large.ts';

export interface Form {
  /** Text fields by name, each given once. */
  readonly fields: Record<string, string>;
  /** Files by name, each given once. */
  readonly files: Record<string, Uint8Array>;
}

/** Most text fields in a form. */
const mostFields = 50;

/**
 * Reads a multipart/form-data body: text fields and the files named `fileNames`, each at most once. Errors: BODY_MALFORMED,
 * VALIDATION_FAILED, IMAGE_TOO_LARGE.
 */
export function readForm(
  bytes: Uint8Array,
  contentType: string,
  { fileNames, ...limits }: { fileNames: readonly string[]; imageBytes: number; fieldBytes: number },
): Promise<Form> {
  return new Promise((resolve, reject) => {
    const form: Form = {
      fields: Object.create(null) as Record<string, string>,
      files: Object.create(null) as Record<string, Uint8Array>,
    };
    const refuse = (field: string, issue: string) =>
      reject(new AppError('VALIDATION_FAILED', { message: `${field} ${issue}.`, details: [{ field, issue }] }));
    const malformed = (cause: unknown) =>
      reject(new AppError('BODY_MALFORMED', { message: problemOf(cause, fileNames), cause }));
    const names = fileNames.map((name) => `\`${name}\``).join(' and ');
    const accepted = fileNames.length === 1 ? `the file ${names} is` : `the files ${names} are`;
    let parser: InstanceType<typeof Busboy>;
    try {
      parser = new Busboy({
        headers: { 'content-type': contentType },
        limits: {
          fieldSize: limits.fieldBytes,
          fields: mostFields,
          // One more, so that the error can name it.
          files: fileNames.length + 1,
          fileSize: limits.imageBytes,
          fieldNameSize: 100,
        },
        // Some clients send an image without a file name. Busboy would decode it as text.
        isPartAFile: (name, type, fileName) =>
          fileNames.includes(name ?? '') || type === 'application/octet-stream' || fileName !== undefined,
      });
    } catch (cause) {
      malformed(cause);
      return;
    }
    parser.on('field', (name, value, _nameCut, valueCut) => {
      if (valueCut) refuse(name, `has more than ${limits.fieldBytes} bytes`);
      else if (Object.hasOwn(form.fields, name)) refuse(name, 'is given twice');
      else form.fields[name] = value;
    });
    parser.on('file', (name, stream, fileName?: string) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('limit', () => reject(imageTooLarge(limits.imageBytes, name)));
      stream.on('error', malformed);
      stream.on('end', () => {
        const content = Buffer.concat(chunks);
        if (!fileNames.includes(name)) refuse(name, `is a file; only ${accepted} accepted`);
        else if (Object.hasOwn(form.files, name)) refuse(name, 'is given twice');
        else if (fileName === undefined && isText(content))
          refuse(name, `is text, not a file; with curl, write -F ${name}=@photo.jpg with an @`);
        else form.files[name] = content;
      });
    });
    parser.on('fieldsLimit', () => malformed(new Error('Too many fields')));
    parser.on('filesLimit', () => malformed(new Error('Too many files')));
    parser.on('error', malformed);
    parser.on('finish', () => resolve(form));
    parser.end(bytes);
  });
}

function problemOf(cause: unknown, fileNames: readonly string[]): string {
  const text = cause instanceof Error ? cause.message : '';
  if (/boundary not found|boundary required/i.test(text))
    return 'The Content-Type multipart/form-data has no boundary; do not set this header yourself: curl -F and FormData set it with a boundary.';
  if (/unexpected end/i.test(text)) return 'The form is incomplete: its last boundary is missing.';
  if (/too many/i.test(text))
    return `${text}: a form has at most ${mostFields} fields and the files ${fileNames.join(', ')}.`;
  return 'The form is not valid multipart/form-data.';
}

/** Whether a file begins with text without control characters. No image format does. */
function isText(bytes: Uint8Array): boolean {
  const start = new TextDecoder().decode(bytes.subarray(0, 1024), { stream: true });
  return start !== '' && !/[^\P{Cc}\s]|\ufffd/u.test(start);
}
