/** HTML of the API page. It loads files from this server only. */
export const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>FreeFace API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <link rel="icon" href="/docs/favicon-32x32.png">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script type="module" src="/docs/page.js"></script>
  </body>
</html>
`;

/**
 * Starts Swagger UI. Swagger UI fills every form field with a value that it invents from the schema, and sends that value. So this
 * script first sets each field to its value in the form's example, or to an empty string if the example does not have the field.
 */
export const script = `
const description = await (await fetch('/openapi.json')).json();
for (const operations of Object.values(description.paths)) {
  for (const { requestBody } of Object.values(operations)) {
    const form = requestBody?.content?.['multipart/form-data'];
    for (const [name, field] of Object.entries(form?.schema.properties ?? {})) {
      if (field.format !== 'binary') field.example = form.example?.[name] ?? '';
    }
  }
}
SwaggerUIBundle({
  spec: description,
  dom_id: '#swagger-ui',
  deepLinking: true,
  tryItOutEnabled: true,
  persistAuthorization: false,
  validatorUrl: null,
});
`;
