import js from "@eslint/js";
import globals from "globals";

// The page's scripts, from the root of the repository.
export default [
  { ignores: ["**/*.min.js"] },
  {
    files: ["service/web/static/lab/*.js"],
    ...js.configs.recommended,
    languageOptions: { ecmaVersion: "latest", sourceType: "module", globals: globals.browser },
    rules: {
      ...js.configs.recommended.rules,
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "no-shadow": "error",
      "no-var": "error",
      "no-implicit-globals": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
];
