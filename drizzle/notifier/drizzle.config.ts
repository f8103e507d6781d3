import process from "node:process";
import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: "./drizzle/notifier/schema.ts",
  out: "./drizzle/notifier/migrations",
  migrations: { table: "notifier_migrations" },
  dbCredentials: { url: process.env.NOTIFIER_DATABASE_URL ?? "" },
});
