import { Busboy } from '@fastify/busboy';
import { AppError } from '../errors.ts';
import { imageTooLarge } from './image-too-large.ts';

export interface Form {
  /** Text fields by name, each given once. */
  readonly fields: Record<string, string>;
  image: Uint8Array | undefined;
}

/**
 * Reads a multipart/form-data body: text fields, each at most once, and one file named `image`. Errors: BODY_MALFORMED,
 * VALIDATION_FAILED, IMAGE_TOO_LARGE.
 */
export function readForm(
  bytes: Uint8Array,
  contentType: string,
  limits: { imageBytes: number; fieldBytes: number },
): Promise<Form> {
  return new Promise((resolve, reject) => {
    const form: Form = { fields: Object.create(null) as Record<string, string>, image: undefined };
    const refuse = (field: string, issue: string) =>
      reject(new AppError('VALIDATION_FAILED', { message: `${field} ${issue}.`, details: [{ field, issue }] }));
    const malformed = (cause: unknown) =>
      reject(new AppError('BODY_MALFORMED', { message: 'The form is not valid multipart/form-data.', cause }));
    let parser: InstanceType<typeof Busboy>;
    try {
      parser = new Busboy({
        headers: { 'content-type': contentType },
        limits: { fieldSize: limits.fieldBytes, fields: 50, files: 2, fileSize: limits.imageBytes, fieldNameSize: 100 },
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
      stream.on('limit', () => reject(imageTooLarge(limits.imageBytes)));
      stream.on('error', malformed);
      stream.on('end', () => {
        if (name !== 'image') refuse(name, 'is a file; only the file `image` is accepted');
        else if (form.image !== undefined) refuse(name, 'is given twice');
        else form.image = Buffer.concat(chunks);
      });
    });
    parser.on('fieldsLimit', () => malformed(new Error('too many fields')));
    parser.on('filesLimit', () => malformed(new Error('too many files')));
    parser.on('error', malformed);
    parser.on('finish', () => resolve(form));
    parser.end(bytes);
  });
}
