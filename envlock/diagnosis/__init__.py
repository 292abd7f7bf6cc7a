"""Why a model does not load: observations of an artifact, an environment and a traceback to causes with remedies."""
