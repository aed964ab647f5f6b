// Shows the server's own OpenAPI document. A file of its own, because the page allows no inline script.
"use strict";

const place = document.getElementById("api");

SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  // The validator is somebody else's server; nothing of this page leaves ours.
  validatorUrl: null,
});
