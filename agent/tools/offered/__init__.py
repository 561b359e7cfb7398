"""The read-only tools that a model may ask, one `.sql` file each, with what each is offered for."""
