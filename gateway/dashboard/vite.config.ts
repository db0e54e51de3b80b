// How src/ becomes what the gateway serves: one page, scripts and styles as files of their own, as its
// Content-Security-Policy asks. Names under assets/ hold a hash, so that browsers may keep those files.
import process from "node:process";
import { defineConfig } from "vite";

// `scripts/page npm run dev`: the page as it is edited, with the data of a gateway that runs.
const gateway = process.env.KLEINMAELZUNG_URL ?? "http://127.0.0.1:8080";
const asked = { target: gateway, ws: true, changeOrigin: true, headers: { origin: gateway } };

export default defineConfig({
  build: {
    outDir: "../kleinmaelzung_gateway/dashboard",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    license: { fileName: "licenses.md" },
  },
  server: {
    proxy: { "/client": asked, "/history/": asked, "/calibrations/": asked, "/healthz": asked, "/metrics": asked },
  },
});
