"""What is known about releases: typed views of the tables in ``data/``, opened only when asked.

A view is named after its table or after the question that it answers:

- which releases there are: ``releases``, ``families``, ``snapshot``, ``closures``, ``bounds``, ``source_builds``,
  ``pip_support``, ``pip_tools``
- what saves and loads models: ``loaders``, ``load_rules``, ``keras_schema``, ``tensorflow_facts``, ``bytecode``
- what models hold: ``operations``, ``operation_effects``, ``opened_files``, ``custom_objects``, ``import_names``,
  ``tflite_operators``
- what goes together: ``pairings``, ``builds``, ``accelerators``, ``tpu``, ``platform_support``, ``base_images``
- how tables are read: ``datafiles``, ``spans``, ``specifiers``
- the database about itself: ``tables``, ``consistency``
"""
