// For @hey-api/openapi-ts, whose version is pinned in package.json.
import { defineConfig } from "@hey-api/openapi-ts";

export default defineConfig({
  input: "./openapi/openapi.json",
  // Node runs TypeScript as it is; it wants imports that name their file.
  output: { path: "openapi/sdk/typescript", module: { extension: ".ts" } },
});
