-- loms looks at pg_stat_replication, which is for those who may see it. Only a superuser, or who
-- has the role with the admin option, may grant it.
grant pg_read_all_stats to loms_service;
