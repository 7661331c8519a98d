/** The API page; everything it loads comes from beside it. */
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
 * Starts Swagger UI. It fills every field of a form with a value it makes up from the schema, and sends it; so before it reads the
 * description, a form's fields get the values of the form's example, and those that are not in it get none.
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
