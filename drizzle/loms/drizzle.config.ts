import process from "node:process";
import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: "./drizzle/loms/schema.ts",
  out: "./drizzle/loms/migrations",
  migrations: { table: "loms_migrations" },
  dbCredentials: { url: process.env.DATABASE_URL ?? "" },
});
