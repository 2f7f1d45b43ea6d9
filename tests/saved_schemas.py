"""What files hold of each class: its version, and the names of what is stored. Golden: see `test_saved_versions.py`."""

SCHEMAS = {
    "CCA": (
        2,
        """
        correlations_ feature_names_in_ n_components n_components_ n_features_in_ n_samples_seen_ pair power
        random_state scale shrinkage shrinkage_ singular_values_ sklearn_output_config solver x_directions
        x_effects x_loadings_ x_mean_ x_rotations_ x_scale_ x_weights_ y_directions y_effects
        y_feature_names_in_ y_is_1d y_loadings_ y_mean_ y_rotations_ y_scale_ y_weights_
        """,
    ),
    "CCACV": (
        2,
        """
        best_index_ best_params_ best_score_ correlations_ cv cv_results_ feature_names_in_ groups_
        n_components n_components_ n_features_in_ n_samples_seen_ n_splits_ one_standard_error pair powers
        scale scoring separate_shrinkage shrinkage_ shrinkages singular_values_ sklearn_output_config
        verbose x_directions x_effects x_loadings_ x_mean_ x_rotations_ x_scale_ x_weights_ y_directions
        y_effects y_feature_names_in_ y_is_1d y_loadings_ y_mean_ y_rotations_ y_scale_ y_weights_
        """,
    ),
    "CacheSimilarity": (
        1,
        """
        beta beta_used classes_ codes examples_ feature_names_in_ n_features_in_ sklearn_output_config
        """,
    ),
    "CrossModalClassifier": (
        1,
        """
        aligner aligner_ calibration calibration_ center classes_ classifier classifier_ column_names
        feature_names_in_ fit_mean_ fit_modality n_features_in_ predict_mean_ predict_modality
        predicted_modality seen_ shot_weight shot_weight_ shot_weight_scores_ sklearn_output_config
        temperature temperature_ width
        """,
    ),
    "CrossModalIndex": (
        3,
        """
        aligner aligner_ bank_embeddings_ bias_neighbors bias_weight center column_names embeddings_
        feature_names_in_ fitted_hubness fitted_similarity fitted_modality gallery_mean_ has_aligner hubness
        hubness_neighbors hubness_weight ids_ similarity modality n_features_in_ next_id query_mean_
        sklearn_output_config verbose width
        """,
    ),
    "CrossModalPipeline": (
        2,
        """
        aligner aligner_ feature_names_in_ n_features_in_ sklearn_output_config x_transformer x_transformer_
        y_transformer y_transformer_
        """,
    ),
    "ESZSLClassifier": (
        1,
        """
        attribute_ridge attributes attributes_ calibration calibration_used candidates classes_
        feature_names_in_ feature_ridge map_ n_features_in_ seen_ sklearn_output_config
        """,
    ),
    "FeatureMoments": (1, """pair to_x to_y traces"""),
    "FourierMap": (1, """frequencies shift"""),
    "GaussianDiscriminant": (
        1,
        """
        classes_ coef_ feature_names_in_ intercept_ n_features_in_ prior_shots prototypes
        sklearn_output_config temperature_
        """,
    ),
    "Kernel": (1, """metric name params shift"""),
    "KernelCCA": (
        2,
        """
        approximation coef0 correlations_ degree feature_names_in_ gamma gamma_ kernel kernel_params kernels
        landmarks maps moments moments_left_out n_components n_components_ n_features_in_ n_features_y
        n_landmarks n_samples_seen_ power random_state regularization score_weights settled singular_values_
        sklearn_output_config tol trace_left_out_ x_effects x_embedding x_mean_ y_effects y_embedding
        y_feature_names_in_ y_is_1d y_mean_
        """,
    ),
    "KernelCCACV": (
        2,
        """
        approximation best_index_ best_params_ best_score_ coef0 correlations_ cv cv_results_ degree
        feature_names_in_ gamma_ groups_ kernel kernel_params kernels landmarks maps moments
        moments_left_out n_components n_components_ n_features_in_ n_features_y n_landmarks n_samples_seen_
        n_splits_ one_standard_error powers random_state regularizations score_weights scoring settled
        singular_values_ sklearn_output_config tol trace_left_out_ verbose width_factors x_effects
        x_embedding x_mean_ y_effects y_embedding y_feature_names_in_ y_is_1d y_mean_
        """,
    ),
    "KernelEmbedding": (1, """kernel map offset rotations"""),
    "KernelMap": (1, """base kernel projection triangular"""),
    "PLSCanonical": (
        2,
        """
        correlations_ feature_names_in_ n_components n_components_ n_features_in_ n_samples_seen_ pair power
        scale singular_values_ sklearn_output_config x_directions x_effects x_loadings_ x_mean_ x_rotations_
        x_scale_ x_weights_ y_directions y_effects y_feature_names_in_ y_is_1d y_loadings_ y_mean_
        y_rotations_ y_scale_ y_weights_
        """,
    ),
    "PLSRegression": (
        2,
        """
        correlations_ feature_names_in_ n_components n_components_ n_features_in_ n_samples_seen_ pair scale
        singular_values_ sklearn_output_config x_directions x_effects x_loadings_ x_mean_ x_rotations_
        x_scale_ x_weights_ y_directions y_effects y_feature_names_in_ y_is_1d y_loadings_ y_mean_
        y_rotations_ y_scale_ y_weights_
        """,
    ),
    "PLSRegressionCV": (
        2,
        """
        best_index_ best_params_ best_score_ correlations_ cv cv_results_ feature_names_in_ groups_
        n_components n_components_ n_features_in_ n_samples_seen_ n_splits_ one_standard_error pair scale
        scoring singular_values_ sklearn_output_config verbose x_directions x_effects x_loadings_ x_mean_
        x_rotations_ x_scale_ x_weights_ y_directions y_effects y_feature_names_in_ y_is_1d y_loadings_
        y_mean_ y_rotations_ y_scale_ y_weights_
        """,
    ),
    "PLSSVD": (
        2,
        """
        correlations_ feature_names_in_ n_components n_components_ n_features_in_ n_samples_seen_ pair power
        scale singular_values_ sklearn_output_config x_directions x_effects x_loadings_ x_mean_ x_rotations_
        x_scale_ x_weights_ y_directions y_effects y_feature_names_in_ y_is_1d y_loadings_ y_mean_
        y_rotations_ y_scale_ y_weights_
        """,
    ),
    "PairMoments": (
        1,
        """
        dtype mean_x mean_y n_rows product_dtype scatter_xx scatter_xy scatter_yy weight_sum x_names y_names
        """,
    ),
    "PrototypeClassifier": (
        1,
        """
        classes_ feature_names_in_ n_features_in_ prototypes_ sklearn_output_config temperature
        temperature_used
        """,
    ),
    "PrototypeLogisticRegression": (
        1,
        """
        C adaptive classes_ coef_ feature_names_in_ max_iter n_evaluations_ n_features_in_ n_iter_
        prototypes prototypes_ pulls_ sklearn_output_config temperature temperature_ tol
        """,
    ),
    "PrototypeSimilarity": (1, """classes_ feature_names_in_ n_features_in_ prototypes_ sklearn_output_config"""),
    "RetrievalScorer": (
        2,
        """
        direction feature_names_in_ measure n_features_in_ options similarity sklearn_output_config
        """,
    ),
    "RowMoments": (1, """mean_a mean_b n_rows scatter squares"""),
    "SharedSpace": (
        1,
        """
        aligner aligner_ center column_names feature_names_in_ mean_ modality n_features_in_ n_features_out
        sklearn_output_config unit_length
        """,
    ),
    "Side": (1, """basis constant mean scale"""),
    "StandardizedPair": (1, """moments x y"""),
    "UnformedPair": (2, """dtype left_out n_rows x y y_names"""),
}
