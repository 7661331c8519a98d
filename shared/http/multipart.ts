import { Busboy } from '@fastify/busboy';
import { AppError } from '../errors.ts';
import { imageTooLarge } from './image-too-large.ts';

export interface Form {
  /** Text fields by name, each given once. */
  readonly fields: Record<string, string>;
  /** Files by name, each given once. */
  readonly files: Record<string, Uint8Array>;
}

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
      reject(new AppError('BODY_MALFORMED', { message: 'The form is not valid multipart/form-data.', cause }));
    const names = fileNames.map((name) => `\`${name}\``).join(' and ');
    const accepted = fileNames.length === 1 ? `the file ${names} is` : `the files ${names} are`;
    let parser: InstanceType<typeof Busboy>;
    try {
      parser = new Busboy({
        headers: { 'content-type': contentType },
        limits: {
          fieldSize: limits.fieldBytes,
          fields: 50,
          // One more, so that the error can name it.
          files: fileNames.length + 1,
          fileSize: limits.imageBytes,
          fieldNameSize: 100,
        },
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
    parser.on('file', (name, stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('limit', () => reject(imageTooLarge(limits.imageBytes, name)));
      stream.on('error', malformed);
      stream.on('end', () => {
        if (!fileNames.includes(name)) refuse(name, `is a file; only ${accepted} accepted`);
        else if (Object.hasOwn(form.files, name)) refuse(name, 'is given twice');
        else form.files[name] = Buffer.concat(chunks);
      });
    });
    parser.on('fieldsLimit', () => malformed(new Error('too many fields')));
    parser.on('filesLimit', () => malformed(new Error('too many files')));
    parser.on('error', malformed);
    parser.on('finish', () => resolve(form));
    parser.end(bytes);
  });
}
