"""What files hold of each class: its version, and the names of what is stored. Golden: see `test_saved_versions.py`."""

SCHEMAS = {
    "BilinearModel": (1, """attributes calibration classes map n_features names seen"""),
    "CCA": (1, """model_ n_components power random_state scale shrinkage sklearn_output_config solver"""),
    "CCACV": (
        2,
        """
        choice_ cv max_gallery model_ n_components one_standard_error powers scale scoring separate_shrinkage shrinkages
        sklearn_output_config verbose
        """,
    ),
    "CacheModel": (1, """beta classes codes examples n_features names"""),
    "CacheSimilarity": (1, """beta model_ sklearn_output_config"""),
    "CheckedPairs": (1, """bank columns power scaling wrong_share"""),
    "Choice": (2, """groups n_gallery one_standard_error params scores weights"""),
    "ClassifierSpace": (1, """aligner column_names width"""),
    "ConfidenceModel": (1, """heights index k knots margins right"""),
    "ConformalSets": (
        1,
        """
        aligner confidence_level feature_names_in_ measure modality model_ n_features_in_ similarity
        sklearn_output_config
        """,
    ),
    "CrossModalClassifier": (
        1,
        """
        aligner calibration center classifier fit_modality model_ predict_modality shot_weight
        sklearn_output_config temperature
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
    "CrossModalModel": (
        1,
        """
        calibration classes classifier fit_mean n_features names predict_mean predict_modality seen shot_weight
        shot_weight_scores space temperature
        """,
    ),
    "CrossModalPipeline": (
        1,
        """
        aligner aligner_ sklearn_output_config x_transformer x_transformer_ y_transformer y_transformer_
        """,
    ),
    "DiscriminantModel": (1, """classes coef intercept n_features names temperature"""),
    "DriftBank": (1, """centre directions occurrence weights"""),
    "DriftModel": (1, """aligner bank fits_aligner n_compared pool pool_groups settings stream tails x y"""),
    "DriftMonitor": (
        1,
        """aligner false_alarm_rate min_effect model_ n_permutations random_state sklearn_output_config""",
    ),
    "DriftStream": (
        1,
        """
        alarm_at counts edges history kind_of kinds last_group log_threshold log_wealth n_seen n_values seed stride
        """,
    ),
    "ESZSLClassifier": (
        1,
        """
        attribute_ridge attributes calibration candidates feature_ridge model_ sklearn_output_config
        """,
    ),
    "FeatureMoments": (1, """pair to_x to_y traces"""),
    "FourierMap": (1, """frequencies shift"""),
    "GaussianDiscriminant": (1, """model_ prior_shots prototypes sklearn_output_config"""),
    "Kernel": (1, """function name params shift"""),
    "KernelCCA": (
        1,
        """
        approximation coef0 degree gamma kernel kernel_params landmarks model_ n_components n_landmarks power
        random_state regularization sklearn_output_config tol
        """,
    ),
    "KernelCCACV": (
        2,
        """
        approximation choice_ coef0 cv degree kernel kernel_params landmarks max_gallery model_ n_components n_landmarks
        one_standard_error powers random_state regularizations scoring sklearn_output_config tol verbose
        width_factors
        """,
    ),
    "KernelEmbedding": (1, """kernel map offset rotations"""),
    "KernelMap": (1, """base kernel projection triangular"""),
    "KernelModel": (
        1,
        """
        correlations left_out n_samples_seen singular_values stream trace_left_out x y y_is_1d
        """,
    ),
    "KernelSide": (1, """effects embedding mean n_features names score_weights"""),
    "LinearModel": (
        1,
        """
        correlations left_out n_samples_seen pair power shrinkage singular_values weight_sum x y y_is_1d
        """,
    ),
    "LinearSide": (1, """directions effects mean names own_weights plain_loadings scale score_weights triangle"""),
    "MonitorSettings": (1, """min_effect n_permutations rate seed"""),
    "PLSCanonical": (1, """model_ n_components power scale sklearn_output_config"""),
    "PLSRegression": (1, """model_ n_components scale sklearn_output_config"""),
    "PLSRegressionCV": (
        2,
        """
        choice_ cv max_gallery model_ n_components one_standard_error scale scoring sklearn_output_config verbose
        """,
    ),
    "PLSSVD": (1, """model_ n_components power scale sklearn_output_config"""),
    "PairBank": (
        1,
        """
        aligner correlations x_centre x_features x_mean x_scores y_centre y_features y_mean y_scores
        """,
    ),
    "PairCheck": (
        1,
        """aligner cv feature_names_in_ model_ n_features_in_ random_state sklearn_output_config verbose""",
    ),
    "PairMoments": (
        1,
        """
        dtype mean_x mean_y n_rows product_dtype scatter_xx scatter_xy scatter_yy weight_sum x_names y_names
        """,
    ),
    "PrototypeClassifier": (1, """model_ sklearn_output_config temperature"""),
    "PrototypeLogisticRegression": (
        1,
        """
        C adaptive max_iter model_ prototypes sklearn_output_config temperature tol
        """,
    ),
    "PrototypeModel": (1, """classes n_features names prototypes temperature"""),
    "PrototypeSimilarity": (1, """model_ sklearn_output_config"""),
    "PulledModel": (1, """classes coef n_evaluations n_features n_iter names prototypes pulls temperature"""),
    "RetrievalScorer": (
        2,
        """
        direction feature_names_in_ measure n_features_in_ options similarity sklearn_output_config
        """,
    ),
    "RowMoments": (1, """mean_a mean_b n_rows scatter squares"""),
    "Scaling": (1, """centre scale"""),
    "SearchConfidence": (
        1,
        """aligner feature_names_in_ k modality model_ n_features_in_ similarity sklearn_output_config""",
    ),
    "SetModel": (1, """confidence_level index kinds measure n_queries thresholds"""),
    "SharedSpace": (1, """aligner center modality model_ sklearn_output_config unit_length"""),
    "Side": (1, """basis constant mean scale"""),
    "SideFrame": (
        1,
        """
        centroids deviations directions is_sparse mean n_features n_leading names scale score_mean score_scale width
        """,
    ),
    "SideModel": (1, """aligner mean modality n_components n_features names unit_length"""),
    "StandardizedPair": (1, """moments x y"""),
    "Stream": (1, """maps moments settled"""),
    "WrongShare": (1, """high share"""),
}
