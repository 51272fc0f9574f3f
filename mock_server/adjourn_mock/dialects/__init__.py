"""The steps of the pipeline, as each dialect has them."""
