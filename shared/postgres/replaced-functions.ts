import type { Migration } from "./migration-files.ts";

const FUNCTION = /^create (?:or replace )?function (\w+)\([^]*?^language (\w+)/m;

/**
 * A statement for the transaction of a migration, before the migration's own; none if the migration
 * creates no function. It renames the functions whose language the migration changes to
 * `<name>_before_<tag>`, so that the migration creates other functions under their names.
 *
 * `create or replace function` in another language fails calls in progress: a session that has read
 * the old language, and then reads the new text, parses this text in the old language (SQLSTATE
 * 42601). A first call in a session takes milliseconds between the two, because it loads the
 * language's library. With a rename such a call finds the text that it looks for.
 */
export function keepReplacedFunctions({ tag, statements }: Migration): string[] {
  const created = statements.flatMap((statement) => {
    const [, name, language] = FUNCTION.exec(statement) ?? [];
    return name && language ? [`('${name}', '${language}')`] : [];
  });
  if (created.length === 0) return [];
  return [`do $do$
    declare
      replaced record;
    begin
      for replaced in
        select function.oid::regprocedure as signature, function.proname as name
        from pg_proc function
        join pg_namespace schema on schema.oid = function.pronamespace
        join pg_language language on language.oid = function.prolang
        join (values ${created.join(", ")}) created (name, language)
          on created.name = function.proname and created.language <> language.lanname
        where schema.nspname = current_schema()
      loop
        execute format(
          'alter function %s rename to %I', replaced.signature, replaced.name || '_before_${tag}'
        );
      end loop;
    end
    $do$`];
}
