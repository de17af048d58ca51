"""Pipeline components that `config.yml` names."""
